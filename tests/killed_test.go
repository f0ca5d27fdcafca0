package tests

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"till/cmd"
)

// process is the program in a process of its own.
type process struct {
	*exec.Cmd
	endpoint string
	// errs is what it logs; read it after exited.
	errs   strings.Builder
	exited chan struct{}
}

// spawn starts till serve on the folder and waits for its banner.
func spawn(t *testing.T, dir, addr string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, "serve", "--data", dir, "--addr", addr, "--access-life", "1h"), exited: make(chan struct{})}
	p.Env = append(os.Environ(), programEnv+"=1")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = &p.errs
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	url := regexp.MustCompile(`MCP URL\s+(\S+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := url.FindStringSubmatch(lines.Text()); m != nil {
			p.endpoint = m[1]
			break
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = p.Wait()
		close(p.exited)
	}()
	if p.endpoint == "" {
		p.kill()
		t.Fatalf("the shop did not start: %s", p.errs.String())
	}
	return p
}

// address is host and port of an endpoint: a token is for one address.
func address(t *testing.T, endpoint string) string {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.exited
}

// Killed with checkouts under way and started again: every order that was
// acknowledged is there, once; nothing is reserved or missing for any other;
// every cart holds either all that it held or nothing of what was ordered.
func TestKilledInAStreamOfCheckouts(t *testing.T) {
	dir := t.TempDir()
	first := spawn(t, dir, "127.0.0.1:0")
	var tokens []string
	for _, user := range []string{"alice", "bob", "admin"} {
		tokens = append(tokens, login(t, first.endpoint, user, password(t, dir, user), scopes))
	}
	tokens = append(tokens, tokens[0]) // alice has two agents, at one cart
	const product = "stream-of-things"
	bring(t, dir, `{"handle":"stream-of-things","title":"Stream of Things","category":"toys","variants":[{"sku":"STREAM","price":"1.00","stock":100000}]}`)

	acknowledged := map[string]int{}
	var mu sync.Mutex
	current := first
	for round := range 5 {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for _, token := range tokens {
			agent := connect(t, current.endpoint, token)
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := agent.try("add_to_cart", args{"product": product}); err != nil {
						return // killed
					}
					out, err := agent.try("checkout", nil)
					if err != nil {
						return
					}
					if !out.IsError {
						mu.Lock()
						acknowledged[out.text("order_id")] = int(out.at("pieces").(float64))
						mu.Unlock()
					}
				}
			})
		}
		time.Sleep(time.Duration(150+70*round) * time.Millisecond)
		current.kill()
		close(stop)
		wg.Wait()
		current = spawn(t, dir, address(t, first.endpoint))
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was bought before the kills")
	}

	committed := settled(t, dir)
	orders := map[string]int{}
	for _, token := range tokens[1:] {
		maps.Copy(orders, history(connect(t, current.endpoint, token)))
	}
	sold := 0
	for id, pieces := range orders {
		sold += pieces
		if want, ok := acknowledged[id]; ok && want != pieces {
			t.Errorf("order %s has %d pieces, %d were acknowledged", id, pieces, want)
		}
	}
	for id := range acknowledged {
		if _, ok := orders[id]; !ok {
			t.Errorf("the acknowledged order %s is gone", id)
		}
	}
	if committed != sold {
		t.Errorf("%d pieces left the stock, %d stand in orders", committed, sold)
	}
	t.Logf("%d orders acknowledged, %d placed, %d pieces sold", len(acknowledged), len(orders), sold)
}

// settled waits until the shop has brought every interrupted purchase to its
// end, so that nothing is reserved, and returns how many pieces were sold. It
// reads the log with the program's own command, beside the running shop.
func settled(t *testing.T, dir string) (committed int) {
	t.Helper()
	reserved := map[string]int{}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		clear(reserved)
		committed = 0
		for _, e := range stockEvents(t, dir) {
			switch e.Type {
			case "stock.reserved":
				reserved[e.Data.Reservation] += e.Data.Quantity
			case "stock.released":
				reserved[e.Data.Reservation] -= e.Data.Quantity
			case "stock.committed":
				reserved[e.Data.Reservation] -= e.Data.Quantity
				committed += e.Data.Quantity
			}
		}
		maps.DeleteFunc(reserved, func(_ string, n int) bool { return n == 0 })
		if len(reserved) == 0 {
			return committed
		}
	}
	t.Fatalf("reservations leak: %v", reserved)
	return 0
}

type stockEvent struct {
	Type string
	Data struct {
		Reservation string
		Quantity    int
	}
}

func stockEvents(t *testing.T, dir string) (events []stockEvent) {
	t.Helper()
	var out, errs strings.Builder
	if code := cmd.Main([]string{"events", "--json", "--stream", "stock", "--data", dir}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("till events exits %d: %s", code, &errs)
	}
	for in := json.NewDecoder(strings.NewReader(out.String())); in.More(); {
		var e stockEvent
		if err := in.Decode(&e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// history reads all orders, page by page: pieces by order id.
func history(a *agent) map[string]int {
	a.t.Helper()
	orders, cursor := map[string]int{}, ""
	for {
		in := args{"limit": 20}
		if cursor != "" {
			in["cursor"] = cursor
		}
		page := a.call("get_order_history", in)
		for _, o := range page.at("orders").([]any) {
			o := answer{Data: o.(map[string]any)}
			if _, twice := orders[o.text("order_id")]; twice {
				a.t.Errorf("order %s stands twice in the history", o.text("order_id"))
			}
			orders[o.text("order_id")] = int(o.at("pieces").(float64))
		}
		if cursor = page.text("next_cursor"); cursor == "" {
			return orders
		}
	}
}
