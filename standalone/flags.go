package standalone

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
)

// setting is a flag, with its environment variable TALIX_NAME.
type setting struct {
	name, value, usage string
	field              *string
}

func (a *App) settings() []setting {
	return []setting{
		{"listen", "127.0.0.1:8080", "`address` of the HTTP triggers; port 0 takes a free one", &a.Listen},
		{"admin", "127.0.0.1:8081", "`address` of the console, its API (/api/v1), health (/healthz) and readiness (/readyz)", &a.Admin},
		{"data", "./data", "`folder` of what the program stores", &a.Data},
		{"store", "sqlite", "`where` events and views are stored: sqlite (in the data folder), memory (gone at the end), or a PostgreSQL database as in postgres://user:password@host:5432/name, on which several processes can work as a cluster", &a.Store},
		{"broker", "embedded", "`where` queues and topics are, if the program has any: embedded (in the data folder), or a NATS server as in nats://127.0.0.1:4222", &a.Broker},
		{"advertise", "", "`address` at which other nodes reach this one, as in 10.0.0.7:8082; it makes the program a node of a cluster", &a.Advertise},
		{"cluster-listen", "", "`address` on which to listen for other nodes, if it is not the advertised one; let no one else reach it", &a.ClusterListen},
		{"cluster-key", "", "`secret` of at least 16 characters that the nodes of a cluster share", &a.ClusterKey},
		{"cluster-cert", "", "`file` of this node's certificate, in PEM, by which nodes know each other, and which has them encrypt what they say", &a.ClusterCert},
		{"cluster-cert-key", "", "`file` of the private key of --cluster-cert", &a.ClusterCertKey},
		{"cluster-ca", "", "`file` of the CA that signs the certificates of the cluster's nodes, and nobody else's", &a.ClusterCA},
	}
}

// Parse reads flags and environment variables (TALIX_LISTEN and so on); a flag
// wins over its variable.
func Parse(flags *flag.FlagSet, args []string, getenv func(string) string) (*App, error) {
	a := &App{Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Out: os.Stdout}
	if err := a.adminFlags(flags, getenv); err != nil {
		return nil, err
	}
	for _, s := range a.settings() {
		env := "TALIX_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
		value := s.value
		if v := getenv(env); v != "" {
			value = v
		}
		flags.StringVar(s.field, s.name, value, s.usage+"; environment: "+env)
		flags.Lookup(s.name).DefValue = s.value // --help tells no key or password of the environment
	}
	flags.Init(flags.Name(), flag.ContinueOnError)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if a.AdminToken == "" {
		a.AdminToken = getenv("TALIX_ADMIN_TOKEN")
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("there is an argument %q, but this program takes flags only", flags.Arg(0))
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return a, nil
}

// adminFlags are those of the console. What --help prints is not to tell the
// token.
func (a *App) adminFlags(flags *flag.FlagSet, getenv func(string) string) error {
	flags.StringVar(&a.AdminToken, "admin-token", "", "`secret` that the console and its API ask for; needed where --admin is no loopback address; environment: TALIX_ADMIN_TOKEN, which other users of the machine cannot read")
	readOnly, err := strconv.ParseBool(cmp.Or(getenv("TALIX_ADMIN_READ_ONLY"), "false"))
	if err != nil {
		return fmt.Errorf("TALIX_ADMIN_READ_ONLY %q: write true or false", getenv("TALIX_ADMIN_READ_ONLY"))
	}
	flags.BoolVar(&a.AdminReadOnly, "admin-read-only", readOnly, "let the console and its API change nothing; environment: TALIX_ADMIN_READ_ONLY")
	return nil
}

func (a *App) check() error {
	if err := checkAddress("listen", a.Listen); err != nil {
		return err
	}
	if err := checkAddress("admin", a.Admin); err != nil {
		return err
	}
	if err := errors.Join(a.checkToken(), a.checkBroker()); err != nil {
		return err
	}
	if a.Data == "" {
		return errors.New("--data is empty: name a folder, as in ./data")
	}
	if err := a.checkStore(); err != nil {
		return err
	}
	return a.checkCluster()
}

func checkAddress(name, address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return fmt.Errorf("--%s %q: write host:port, as in 127.0.0.1:8080, or :8080 for all addresses", name, address)
	}
	return nil
}
