// Command peers lets shops that do the same work sell side by side: Till as people
// run it, and what one writes in a weekend on the official Python and TypeScript
// SDKs. It measures, it is no test: see peers_test.go for that.
//
// Each shop is a process of its own. In turns, round after round, clients with a
// person and a token each go the whole way (browse, two into the cart, look, buy,
// look up the order), and each answer must be right. Till's purchase is one call
// longer, since it is reviewed before it is placed; calls and whole ways are counted
// both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type options struct {
	cache    string
	clients  []int
	rounds   int
	lasting  time.Duration
	variants bool
	era      string
}

func main() {
	o := options{}
	clients := ""
	flag.StringVar(&o.cache, "cache", cacheFolder(), "folder for the peers' packages")
	flag.StringVar(&clients, "clients", "1,16,64", "how many at once, one after the other")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each shop has its turn")
	flag.DurationVar(&o.lasting, "lasting", 5*time.Second, "how long a turn lasts")
	flag.BoolVar(&o.variants, "variants", false, "run each way in which a peer may be run, not only the fastest")
	flag.StringVar(&o.era, "era", modern, "the protocol version in which Till is called")
	flag.Parse()
	for field := range strings.SplitSeq(clients, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > 1000 {
			fmt.Fprintf(os.Stderr, "-clients %q must be numbers from 1 to 1000, separated by commas\n", clients)
			os.Exit(2)
		}
		o.clients = append(o.clients, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// cacheFolder is where the packages of the peers are kept.
func cacheFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "till-peers")
}

// measure runs all shops and prints a table for each number of clients.
func measure(ctx context.Context, o options) error {
	fmt.Fprintln(os.Stderr, "installing what the peers need, in", o.cache)
	p, err := install(ctx, o.cache, true)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "till-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	most := 0
	for _, n := range o.clients {
		most = max(most, n)
	}
	fmt.Fprintln(os.Stderr, "starting the shops, with", most, "people each")
	till, err := startTill(ctx, dir, o.era, most)
	if err != nil {
		return err
	}
	defer till.stop()
	shops := []*server{till}
	peers := p.fastest()
	if o.variants {
		peers = p.all()
	}
	for i, peer := range peers {
		own := filepath.Join(dir, fmt.Sprint("peer", i))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		s, err := startPeer(ctx, peer, own, most)
		if err != nil {
			return err
		}
		defer s.stop()
		shops = append(shops, s)
	}
	for _, s := range shops { // compilers that work while a program runs get their time
		if _, err := load(s, min(8, most), o.lasting/2); err != nil {
			return err
		}
	}
	for _, n := range o.clients {
		results := make([]result, len(shops))
		for range o.rounds {
			for i, s := range shops {
				if err := ctx.Err(); err != nil {
					return err
				}
				w, err := load(s, n, o.lasting)
				if err != nil {
					return err
				}
				results[i].add(w)
			}
		}
		printTable(os.Stdout, n, shops, results)
	}
	return nil
}
