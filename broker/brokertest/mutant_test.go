package brokertest_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
)

// mutant is a broker with one fault, and the cases that must see it.
type mutant struct {
	name  string
	fault func() fault
	seen  []string
}

func mutants() []mutant {
	return slices.Concat(fieldMutants(), publishMutants(), groupMutants(), settleMutants(), flowMutants(), endMutants(), restartMutants())
}

// TestMutantsAreSeen proves that the suite can fail: each case at least once.
func TestMutantsAreSeen(t *testing.T) {
	t.Parallel()
	unproved := brokertest.Cases()
	for _, m := range mutants() {
		for _, name := range m.seen {
			if !slices.Contains(brokertest.Cases(), name) {
				t.Errorf("mutant %q: there is no case %q", m.name, name)
			}
			unproved = slices.DeleteFunc(unproved, func(s string) bool { return s == name })
			t.Run(m.name+"/"+name, func(t *testing.T) { t.Parallel(); m.test(t, name) })
		}
	}
	if len(unproved) > 0 {
		t.Errorf("no mutant shows that these cases can fail: %s", strings.Join(unproved, ", "))
	}
}

// tries is how often a case may miss a fault that needs a moment to show.
const tries = 5

func (m mutant) test(t *testing.T, name string) {
	for range tries {
		r := record(t, func(tb testing.TB) {
			brokertest.Play(tb, name, newServer(m.fault()).factory(), 1500*time.Millisecond)
		})
		if r.Failed() {
			t.Logf("%.200s", r.words())
			return
		}
		t.Logf("%s did not see it (skipped: %t)", name, r.skipped)
	}
	t.Errorf("%s did not see it in %d tries", name, tries)
}

// TestSoundBrokerPasses: the same broker without a fault passes every case.
func TestSoundBrokerPasses(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, newServer(fault{}).factory())
}

// each is a fault that needs no state.
func each(f fault) func() fault { return func() fault { return f } }

// changing publishes something else.
func changing(change func(m *broker.Message)) func() fault {
	return each(fault{publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
		ms = slices.Clone(ms)
		for i := range ms {
			ms[i].Attributes = maps.Clone(ms[i].Attributes)
			change(&ms[i])
		}
		return b.Broker.Publish(ctx, topic, ms...)
	}})
}

func publishing(f func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error) func() fault {
	return each(fault{publish: f})
}

func fieldMutants() []mutant {
	return []mutant{
		{"attributes in small letters", changing(func(m *broker.Message) {
			lower := map[string]string{}
			for name, value := range m.Attributes {
				lower[strings.ToLower(name)] = value
			}
			m.Attributes = lower
		}), []string{"AttributesOfAllKinds"}},
		{"key lost", changing(func(m *broker.Message) { m.Key = strings.ToLower(m.Key) }), []string{"FieldsArriveByteForByte"}},
		{"time lost", changing(func(m *broker.Message) { m.Time = time.Time{} }), []string{"FieldsArriveByteForByte", "DeadLandsInTheDeadLetterTopic"}},
		{"data cut", changing(func(m *broker.Message) { m.Data = m.Data[:min(len(m.Data), 100_000)] }), []string{"DataOfAllKinds"}},
		{"names cut", changing(func(m *broker.Message) { m.Key = m.Key[:min(len(m.Key), 1000)] }), []string{"LongNames"}},
		{"no id made", changing(func(m *broker.Message) {
			if m.ID == "" {
				m.ID = "none"
			}
		}), []string{"MessageWithoutIDGetsOne"}},
		{"a key made up", changing(func(m *broker.Message) { m.Key = "x" + m.Key }), []string{"MessagesWithoutKey"}},
		{"buffers kept", func() fault {
			var kept map[string]string
			return fault{
				publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
					kept = ms[0].Attributes
					return b.Broker.Publish(ctx, topic, ms...)
				},
				receive: func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
					return b.Broker.Receive(ctx, s, func(d *broker.Delivery) { d.Attributes = kept; deliver(d) })
				},
			}
		}, []string{"CallersBuffersAreTheirOwn"}},
	}
}

func publishMutants() []mutant {
	return []mutant{
		{"a call backwards", publishing(func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
			ms = slices.Clone(ms)
			slices.Reverse(ms)
			return b.Broker.Publish(ctx, topic, ms...)
		}), []string{"PublishKeepsTheOrderOfOneCall"}},
		{"calls overtake", func() fault {
			var last broker.Message
			return fault{publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
				if n := b.count(); n%10 == 5 {
					last = ms[0]
					return nil
				} else if n%10 == 6 {
					ms = append(slices.Clone(ms), last)
				}
				return b.Broker.Publish(ctx, topic, ms...)
			}}
		}, []string{"PublishKeepsTheOrderOfCalls", "PublishedIsReceivedWhileReceiving", "KeyKeepsItsOrder"}},
		{"something of nothing", publishing(func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
			if len(ms) == 0 {
				ms = []broker.Message{{ID: "nothing", Key: "k"}}
			}
			return b.Broker.Publish(ctx, topic, ms...)
		}), []string{"PublishOfNothing"}},
		{"another id when published again", func() fault {
			seen := map[string]bool{}
			return fault{publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
				ms = slices.Clone(ms)
				for i, m := range ms {
					if seen[m.ID] {
						ms[i].ID += "'"
					}
					seen[m.ID] = true
				}
				return b.Broker.Publish(ctx, topic, ms...)
			}}
		}, []string{"PublishTwiceHasOneID"}},
		{"some lost", func() fault {
			calls := new(atomic.Int32)
			return fault{publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
				if calls.Add(1)%50 == 7 {
					return nil
				}
				return b.Broker.Publish(ctx, topic, ms...)
			}}
		}, []string{"PublishFromManyGoroutines"}},
		{"brokers alone", each(fault{alone: true}), []string{"PublishReachesOtherBrokers", "GroupsOfTwoBrokersEachGetAll", "UnsettledComesToAnotherBroker"}},
		{"ctx ignored", publishing(func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
			return b.Broker.Publish(context.WithoutCancel(ctx), topic, ms...)
		}), []string{"PublishAfterCtxEnded"}},
		{"large taken", publishing(func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
			if len(ms[0].Data) >= maxMessage {
				return nil
			}
			return b.Broker.Publish(ctx, topic, ms...)
		}), []string{"PublishTooLarge"}},
		{"reserved names taken", changing(func(m *broker.Message) { delete(m.Attributes, "talix-x") }), []string{"PublishRefusesWhatBreaksTheRules"}},
	}
}

func receiving(f func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error) func() fault {
	return each(fault{receive: f})
}

// subscribing changes the subscription.
func subscribing(change func(b *faulty, s *broker.Subscription)) func() fault {
	return receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
		change(b, &s)
		return b.Broker.Receive(ctx, s, deliver)
	})
}

func groupMutants() []mutant {
	return []mutant{
		{"one group for all", subscribing(func(_ *faulty, s *broker.Subscription) { s.Group = "g" }), []string{"GroupsEachGetAll"}},
		{"a group of all topics", subscribing(func(_ *faulty, s *broker.Subscription) { s.Topic = strings.TrimSuffix(s.Topic, "-b") }), []string{"GroupIsOfOneTopic"}},
		{"a group for each broker", func() fault {
			runs := new(atomic.Int32)
			return fault{receive: func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
				if s.Group == "g" {
					s.Group = string('a' + runs.Add(1))
				}
				return b.Broker.Receive(ctx, s, deliver)
			}}
		}, []string{"GroupGoesOnWhereItWas", "AckIsFinal", "AckInAnyOrder", "DeadIsFinal", "ReceiverTakesOverFromAnother"}},
		{"each message for two", receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
			return b.Broker.Receive(ctx, s, func(d *broker.Delivery) {
				twin := *d
				twin.Settler = settler{Delivery: d, ack: func(context.Context) error { return nil }}
				deliver(d)
				deliver(&twin)
			})
		}), []string{"ReceiversOfAGroupShare"}},
		{"a group begins with the newest", receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
			began := time.Now()
			return b.Broker.Receive(ctx, s, func(d *broker.Delivery) {
				if d.Attempt == 1 && d.Time.Before(began) {
					_ = d.Ack(ctx)
					return
				}
				deliver(d)
			})
		}), []string{"GroupBeginsWithTheOldest"}},
		{"keys with everyone", func() fault {
			return fault{
				publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
					ms = slices.Clone(ms)
					for i := range ms {
						ms[i].Attributes = map[string]string{"key": ms[i].Key}
						ms[i].Key = ""
					}
					return b.Broker.Publish(ctx, topic, ms...)
				},
				receive: func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
					return b.Broker.Receive(ctx, s, func(d *broker.Delivery) { d.Key = d.Attributes["key"]; deliver(d) })
				},
			}
		}, []string{"KeyStaysWithOneReceiver"}},
	}
}

func settling(f func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler) func() fault {
	return each(fault{settler: f})
}

func settleMutants() []mutant {
	return []mutant{
		{"settled again and again", settling(func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler {
			return settler{Delivery: d, dead: func(ctx context.Context, reason string) error {
				if err := d.Dead(ctx, reason); err != nil {
					return err
				}
				return b.Broker.Publish(ctx, broker.DeadLetter(s.Topic), d.Message)
			}}
		}), []string{"SettledOnceAndForAll"}},
		{"unsettled lost", each(fault{
			settler: func(b *faulty, _ broker.Subscription, d *broker.Delivery) broker.Settler {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.open = append(b.open, d)
				return settler{Delivery: d}
			},
			close: func(b *faulty) error {
				for _, d := range b.unsettled() {
					_ = d.Ack(context.Background())
				}
				return b.Broker.Close()
			},
		}), []string{"UnsettledComesAgainAfterClose", "UnsettledComesToAnotherBroker", "UnsettledComesBeforeLaterOnes", "UnsettledBetweenAcknowledged"}},
		{"unsettled put at the end", each(fault{
			settler: func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.topic = s.Topic
				b.open = append(b.open, d)
				return settler{Delivery: d, ack: func(ctx context.Context) error {
					b.mu.Lock()
					b.open = slices.DeleteFunc(b.open, func(o *broker.Delivery) bool { return o == d })
					b.mu.Unlock()
					return d.Ack(ctx)
				}}
			},
			close: func(b *faulty) error {
				for _, d := range b.unsettled() {
					_ = d.Ack(context.Background())
					_ = b.Broker.Publish(context.Background(), b.topic, d.Message)
				}
				return b.Broker.Close()
			},
		}), []string{"UnsettledComesBeforeLaterOnes"}},
		{"back is acknowledged", settling(func(_ *faulty, _ broker.Subscription, d *broker.Delivery) broker.Settler {
			return settler{Delivery: d, back: d.Ack}
		}), []string{"BackComesAgain", "BackAtTheEndKeepsTheOrder"}},
		{"back at the end of the topic", settling(func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler {
			return settler{Delivery: d, back: func(ctx context.Context) error {
				_ = b.Broker.Publish(ctx, s.Topic, d.Message)
				return d.Ack(ctx)
			}}
		}), []string{"BackAtTheEndKeepsTheOrder"}},
		{"dead is acknowledged", settling(func(_ *faulty, _ broker.Subscription, d *broker.Delivery) broker.Settler {
			return settler{Delivery: d, dead: func(ctx context.Context, _ string) error { return d.Ack(ctx) }}
		}), []string{"DeadLandsInTheDeadLetterTopic", "DeadOfTwoGroups"}},
		{"dead comes again", settling(func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler {
			return settler{Delivery: d, dead: func(ctx context.Context, reason string) error {
				_ = b.Broker.Publish(ctx, broker.DeadLetter(s.Topic), d.Message)
				return d.Back(ctx)
			}}
		}), []string{"DeadIsFinal", "DeadLeavesOthersAlone"}},
	}
}

func flowMutants() []mutant {
	return []mutant{
		{"no bound", subscribing(func(_ *faulty, s *broker.Subscription) { s.InFlight = 1000 }), []string{"InFlightIsBounded", "InFlightOfOne"}},
		{"a smaller default", subscribing(func(_ *faulty, s *broker.Subscription) {
			if s.InFlight == 0 {
				s.InFlight = 100
			}
		}), []string{"InFlightDefaultsTo256"}},
		{"settled in order alone", settling(func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.open = append(b.open, d)
			return settler{Delivery: d, ack: func(ctx context.Context) error { return b.ackInOrder(ctx, d) }}
		}), []string{"OneStuckMessageLetsOthersGoOn", "InFlightIsBounded"}},
		{"impatient", settling(func(_ *faulty, _ broker.Subscription, d *broker.Delivery) broker.Settler {
			time.AfterFunc(patience, func() { _ = d.Back(context.Background()) })
			return settler{Delivery: d}
		}), []string{"LongWorkStaysHere"}},
	}
}

// ackInOrder acknowledges a message only with all before it.
func (b *faulty) ackInOrder(ctx context.Context, d *broker.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, o := range b.open {
		if o == d {
			b.open[i] = &broker.Delivery{Settler: d.Settler, Attempt: -1} // may go
		}
	}
	for len(b.open) > 0 && b.open[0].Attempt == -1 {
		if err := b.open[0].Ack(ctx); err != nil {
			return err
		}
		b.open = b.open[1:]
	}
	return nil
}

func endMutants() []mutant {
	return []mutant{
		{"ctx is an error", receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
			if err := b.Broker.Receive(ctx, s, deliver); err != nil {
				return err
			}
			return ctx.Err()
		}), []string{"ReceiveEndsWithItsCtx", "ReceiveWithCtxThatEnded", "ReceiveAgain"}},
		{"does not wait", receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
			go func() { _ = b.Broker.Receive(ctx, s, deliver) }()
			<-ctx.Done()
			return nil
		}), []string{"ReceiveWaitsForWhatIsUnsettled"}},
		{"close is no error", receiving(func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
			_ = b.Broker.Receive(ctx, s, deliver)
			return nil
		}), []string{"CloseEndsReceive", "ClosedBrokerRefuses"}},
		{"close is success", publishing(func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
			if err := b.Broker.Publish(ctx, topic, ms...); err != nil && b.count() > 0 {
				return err
			}
			return nil
		}), []string{"CloseWhilePublishing"}},
	}
}

func restartMutants() []mutant {
	return []mutant{
		{"impatient publish", func() fault {
			return fault{impatient: true, publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
				b.server.mu.Lock()
				up := b.server.up
				b.server.mu.Unlock()
				select {
				case <-up:
					return b.Broker.Publish(ctx, topic, ms...)
				default:
					return context.DeadlineExceeded
				}
			}}
		}, []string{"PublishWaitsForTheServer"}},
		{"messages lost", func() fault {
			lossy := new(atomic.Bool)
			return fault{
				restart: func(*server) { lossy.Store(true) },
				publish: func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error {
					if lossy.Swap(false) {
						return nil
					}
					return b.Broker.Publish(ctx, topic, ms...)
				},
			}
		}, []string{"RestartKeepsWhatWasPublished", "RestartsUnderLoad"}},
		{"receiver stuck", func() fault {
			stuck := new(atomic.Bool)
			return fault{
				restart: func(*server) { stuck.Store(true) },
				receive: func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
					return b.Broker.Receive(ctx, s, func(d *broker.Delivery) {
						if !stuck.Load() {
							deliver(d)
						}
					})
				},
			}
		}, []string{"RestartWhileInFlight", "RestartKeepsWhatWasPublished", "RestartsUnderLoad"}},
	}
}
