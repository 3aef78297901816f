package rabbitmq_test
import ("testing";"context";"time";"log/slog";"os"
"github.com/talix-dev/talix/broker"
"github.com/talix-dev/talix/broker/rabbitmq")
func TestZZ(t *testing.T) {
 s := startServer(t)
 b, _ := rabbitmq.Open(rabbitmq.Config{Address: s.address, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
 defer b.Close()
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
 start = time.Now()
 t.Log(b.Publish(ctx, "x", broker.Message{ID: "2", Data: []byte("x")}), time.Since(start))
 select {
 case d = <-got:
 t.Log(d.ID, time.Since(start))
 case <-ctx.Done(): t.Log("none")
   out, _ := os.ReadFile(s.dir+"/log"); _ = out
   exec := s.dir
   t.Log(exec)
   os.CopyFS("/tmp/rmq/zz", os.DirFS(s.dir))
 }
}
