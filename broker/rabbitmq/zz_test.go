package rabbitmq_test
import ("testing";"context";"time";"log/slog";"os"
	amqp "github.com/rabbitmq/amqp091-go"
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
 b.Close()
 s.start(t)
 for {
   c, err := amqp.Dial(s.address)
   if err != nil { time.Sleep(time.Second); continue }
   ch, _ := c.Channel()
     x, err := ch.QueueInspect("talix-group:x/g")
     t.Log(x, err)
   ds, err := ch.Consume("talix-group:x/g", "", false, false, false, false, nil)
   t.Log(err)
   for range x.Messages { d := <-ds; t.Log(string(d.Body)) }
   break
 }
}
