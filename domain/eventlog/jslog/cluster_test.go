package jslog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/eventlog/logtest"
)

// accounts is how many separate logs a test cluster can hold.
const accounts = 80

// cluster is three real servers that replicate to each other over loopback.
type cluster struct {
	servers []*server.Server
	used    int
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	var users strings.Builder
	for i := range accounts {
		fmt.Fprintf(&users, "A%d { jetstream: enabled, users: [{user: a%d, password: x}] }\n", i, i)
	}
	c := &cluster{}
	// Without routes no server takes part in a cluster, and their number tells
	// it how many to expect; nobody is at ports 1 and 2.
	routes := `"nats://127.0.0.1:1", "nats://127.0.0.1:2"`
	for i := range 3 {
		o := &server.Options{}
		if err := o.ProcessConfigString(fmt.Sprintf(`
			server_name: s%d
			listen: "127.0.0.1:-1"
			jetstream { store_dir: %q, max_mem: 64MB, max_file: 8GB }
			cluster { name: till, listen: "127.0.0.1:-1", routes: [%s] }
			accounts { %s SYS { users: [{user: sys, password: x}] } }
			system_account: SYS
		`, i, t.TempDir(), routes, users.String())); err != nil {
			t.Fatal(err)
		}
		o.NoLog, o.NoSigs = true, true
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(patience) {
			t.Fatal("a server of the cluster does not get ready")
		}
		c.servers = append(c.servers, s)
		routes = fmt.Sprintf(`"nats://%s", "nats://127.0.0.1:1"`, c.servers[0].ClusterAddr())
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		current, leader := 0, false
		for _, s := range c.servers {
			leader = leader || s.JetStreamIsLeader()
			if s.JetStreamIsCurrent() && s.NumRoutes() > 0 {
				current++
			}
		}
		if leader && current == len(c.servers) {
			return c
		}
		if time.Now().After(end) {
			t.Fatal("the cluster finds no leader")
		}
	}
}

// log opens a log of its own, with three copies, through one of the servers.
func (c *cluster) log(t *testing.T) *jslog.Log {
	t.Helper()
	if c.used == accounts {
		t.Fatal("the test cluster needs more accounts")
	}
	var nc *nats.Conn
	var err error
	url := fmt.Sprintf("nats://a%d:x@%s", c.used, c.servers[c.used%3].Addr())
	c.used++
	if nc, err = jslog.Connect(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	log, err := jslog.Open(t.Context(), nc, jslog.Options{Replicas: 3, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// The contract holds on three replicas too, where conflicts have another code
// and reads could be stale.
func TestContractOnACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in -short mode: three servers and some forty replicated logs take half a minute")
	}
	c := startCluster(t)
	logtest.Run(t, func(t *testing.T) eventlog.Log { return c.log(t) })
	logtest.RunBucket(t, func(t *testing.T) eventlog.Bucket {
		b, err := c.log(t).Bucket(t.Context(), "passwords", 0)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
