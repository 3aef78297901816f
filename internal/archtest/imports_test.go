package archtest_test

// importExamples is the cases of the rules about imports.
func importExamples() []example {
	const m = "example.org/m"
	return []example{
		{"port-imports", "standard library", tree{"store/s.go": "context time"}, nil},
		{"port-imports", "test", tree{"store/s_test.go": "other.org/x"}, nil},
		{"port-imports", "outside", tree{"store/s.go": "other.org/x"}, []string{"store imports other.org/x"}},
		{"port-imports", "another port", tree{"broker/b.go": m + "/store"}, []string{"broker/b.go:2: [port-imports] broker imports " + m + "/store"}},
		{"port-imports", "http", tree{"source/s.go": "net/http"}, []string{"source imports net/http"}},

		{"driver-imports", "port and client", tree{"store/sqlite/s.go": m + "/store " + m + "/table zombiezen.com/go/sqlite"}, nil},
		{"driver-imports", "own folders", tree{"broker/nats/n.go": m + "/broker/nats/frame", "broker/nats/frame/f.go": m + "/broker"}, nil},
		{"driver-imports", "on the webhook", tree{"source/salesforce/s.go": m + "/source " + m + "/source/webhook net/http"}, nil},
		{"driver-imports", "test of a driver", tree{"store/sqlite/s_test.go": m + "/store/storetest"}, nil},
		{"driver-imports", "root", tree{"blob/dir/d.go": m}, []string{"blob/dir imports " + m}},
		{"driver-imports", "engine", tree{"store/memory/s.go": m + "/internal/commit"}, []string{"store/memory imports " + m + "/internal/commit"}},
		{"driver-imports", "another driver", tree{"store/postgres/p.go": m + "/store/sqlite"}, []string{"no other driver"}},
		{"driver-imports", "another port", tree{"blob/dir/d.go": m + "/store"}, []string{"blob/dir imports " + m + "/store"}},
		{"driver-imports", "outside system", tree{"source/salesforce/s.go": m + "/runtime"}, []string{"source/salesforce imports"}},

		{"driver-one-client", "one", tree{"broker/kafka/k.go": "github.com/twmb/franz-go/pkg/kgo github.com/twmb/franz-go/pkg/kmsg"}, nil},
		{"driver-one-client", "system calls", tree{"store/sqlite/s.go": "zombiezen.com/go/sqlite golang.org/x/sys/windows"}, nil},
		{"driver-one-client", "two", tree{"broker/kafka/k.go": "github.com/twmb/franz-go github.com/IBM/sarama"}, []string{"imports github.com/IBM/sarama; one technology"}},
		{"driver-one-client", "two in subfolders", tree{"broker/kafka/k.go": "a.org/x", "broker/kafka/in/i.go": "b.org/x"}, []string{"imports b.org/x"}},

		{"suite-imports", "port", tree{"store/storetest/s.go": m + "/store testing"}, nil},
		{"suite-imports", "driver", tree{"store/storetest/s.go": m + "/store/memory"}, []string{"store/storetest imports " + m + "/store/memory"}},
		{"suite-imports", "outside", tree{"broker/brokertest/s.go": "other.org/x"}, []string{"broker/brokertest imports other.org/x"}},

		{"internal-imports", "internal and port", tree{"internal/commit/c.go": m + "/store " + m + "/internal/id other.org/x"}, nil},
		{"internal-imports", "test with a driver", tree{"internal/commit/c_test.go": m + "/store/memory"}, nil},
		{"internal-imports", "root", tree{"internal/entity/e.go": m}, []string{"internal/entity imports " + m}},
		{"internal-imports", "driver", tree{"internal/commit/c.go": m + "/store/memory"}, []string{"internal/commit imports " + m + "/store/memory"}},
		{"internal-imports", "runtime", tree{"internal/deliver/d.go": m + "/runtime"}, []string{"internal/deliver imports " + m + "/runtime"}},
		{"internal-imports", "console", tree{"internal/cli/c.go": m + "/console"}, []string{"internal/cli imports " + m + "/console"}},

		{"root-imports", "registry and ports", tree{"talix.go": "reflect " + m + "/internal/registry " + m + "/source"}, nil},
		{"root-imports", "engine", tree{"talix.go": m + "/internal/entity"}, []string{"the root imports " + m + "/internal/entity"}},
		{"root-imports", "outside", tree{"talix.go": "other.org/x"}, []string{"the root imports other.org/x"}},
		{"root-imports", "runtime", tree{"talix.go": m + "/runtime"}, []string{"the root imports " + m + "/runtime"}},
		{"root-imports", "driver", tree{"talix.go": m + "/store/memory"}, []string{"the root imports " + m + "/store/memory"}},

		{"runtime-imports", "engine", tree{"runtime/r.go": m + " " + m + "/store " + m + "/internal/entity net/http"}, nil},
		{"runtime-imports", "driver", tree{"runtime/r.go": m + "/store/sqlite"}, []string{"take a driver as a field of Config"}},
		{"runtime-imports", "standalone", tree{"runtime/r.go": m + "/standalone"}, []string{"runtime imports " + m + "/standalone"}},

		{"meets-drivers", "standalone", tree{"standalone/s.go": m + "/store/sqlite", "cmd/talix/m.go": m + "/store/sqlite"}, nil},
		{"meets-drivers", "example", tree{"examples/bank/m.go": m + "/store/sqlite"}, nil},
		{"meets-drivers", "test kit in memory", tree{"talixtest/t.go": m + "/store/memory"}, nil},
		{"meets-drivers", "test kit with tables", tree{"talixtest/t.go": m + "/store/sqlite " + m + "/broker/memory"}, nil},
		{"meets-drivers", "test kit on a server", tree{"talixtest/t.go": m + "/store/postgres"}, []string{"talixtest imports " + m + "/store/postgres"}},

		{"example-imports", "drivers", tree{"examples/bank/m.go": m + "/standalone " + m + "/store/sqlite"}, nil},
		{"example-imports", "own internals", tree{"examples/bank/m.go": m + "/examples/bank/internal/x"}, nil},
		{"example-imports", "process test", tree{"examples/bank/m_test.go": m + "/internal/proctest"}, nil},
		{"example-imports", "engine", tree{"examples/bank/m.go": m + "/internal/entity"}, []string{"an example uses what users can use"}},
		{"example-imports", "engine in a test", tree{"examples/bank/m_test.go": m + "/internal/entity"}, []string{"examples/bank imports"}},

		{"import-cycle", "none", tree{"internal/a/a.go": m + "/internal/b", "internal/b/b.go": ""}, nil},
		{"import-cycle", "long", tree{
			"internal/a/a.go": m + "/internal/b", "internal/b/b.go": m + "/internal/c", "internal/c/c.go": m + "/internal/a",
		}, []string{m + "/internal/a → " + m + "/internal/b → " + m + "/internal/c → " + m + "/internal/a"}},
		{"import-cycle", "itself", tree{"internal/a/a.go": m + "/internal/a"}, []string{"import cycle"}},
	}
}

// plainExamples is the cases of those who see a runtime as users do.
func plainExamples() []example {
	const m = "example.org/m"
	return []example{
		{"console-imports", "runtime", tree{"console/c.go": m + " " + m + "/runtime " + m + "/store " + m + "/console/api net/http", "console/api/a.go": m + "/runtime"}, nil},
		{"console-imports", "driver", tree{"console/c.go": m + "/store/sqlite"}, []string{"console imports " + m + "/store/sqlite"}},
		{"console-imports", "engine", tree{"console/api/a.go": m + "/internal/work"}, []string{"export there what it needs"}},
		{"console-imports", "library", tree{"console/c.go": "other.org/x"}, []string{"console imports other.org/x"}},

		{"telemetry-imports", "runtime", tree{"telemetry/x/x.go": m + " " + m + "/runtime " + m + "/store lib.org/a lib.org/b net/http"}, nil},
		{"telemetry-imports", "engine", tree{"telemetry/x/x.go": m + "/internal/work"}, []string{"export there what it needs"}},
		{"telemetry-imports", "two libraries", tree{"telemetry/x/x.go": "lib.org/a other.org/x"}, []string{"telemetry/x imports other.org/x"}},
	}
}
