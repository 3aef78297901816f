package rabbitmq_test
import ("testing";"context";"time";"log/slog";"os"
"github.com/talix-dev/talix/broker"
"github.com/talix-dev/talix/broker/rabbitmq")
func TestZZ(t *testing.T) {
 s := startServer(t)
 b, _ := rabbitmq.Open(rabbitmq.Config{Replicas: 1, Address: s.address, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
 ctx, c := context.WithTimeout(context.Background(), 90*time.Second)
 defer c()
 start := time.Now()
 t.Log(b.Publish(ctx, "x", broker.Message{ID: "1", Data: []byte("x")}), time.Since(start))
 got := make(chan *broker.Delivery, 10)
 go b.Receive(ctx, broker.Subscription{Topic:"x",Group:"g"}, func(d *broker.Delivery){ got<-d})
 d := <-got
 t.Log(d.ID, d.Ack(ctx))
 s.kill(t)
 s.start(t)
 t.Log(b.Publish(ctx, "x", broker.Message{Data: []byte("x")}), time.Since(start))
 for range 1 {
 select {
 case d = <-got:
 t.Log(d.ID, time.Since(start))
 case <-ctx.Done(): t.Log("none")
 }}
 b.Close()
}
