package cimd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	maxBody    = 10 << 10
	fetchTime  = 5 * time.Second
	goodFor    = time.Hour
	badFor     = time.Minute
	maxCached  = 1000
	maxFetches = 8
	maxPerHost = 2
)

// Fetcher is a Source that asks the Internet, carefully: no redirects, no
// proxy, no private address, small, quick, cached and few at a time.
type Fetcher struct {
	clock  func() time.Time
	client *http.Client

	mu     sync.Mutex
	cache  map[string]entry
	flying map[string]*flight
	hosts  map[string]int
}

type entry struct {
	doc   Document
	err   error
	until time.Time
}

// flight is one fetch that several callers may wait for.
type flight struct {
	done chan struct{}
	doc  Document
	err  error
}

// NewFetcher returns a fetcher with an empty cache.
func NewFetcher(clock func() time.Time) *Fetcher {
	dialer := &net.Dialer{Timeout: fetchTime, Control: control}
	return newFetcher(clock, &http.Transport{
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    fetchTime,
		MaxResponseHeaderBytes: maxBody,
		// No Proxy: a proxy would resolve the name where control cannot see.
	})
}

func newFetcher(clock func() time.Time, transport http.RoundTripper) *Fetcher {
	return &Fetcher{
		clock: clock,
		client: &http.Client{
			Transport:     transport,
			Timeout:       fetchTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		cache: map[string]entry{}, flying: map[string]*flight{}, hosts: map[string]int{},
	}
}

// Cached is whether the id would be answered without a fetch.
func (f *Fetcher) Cached(id string) bool {
	if _, ok := builtin(id); ok {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.cache[id]
	return ok && f.clock().Before(e.until)
}

// Document implements [Source].
func (f *Fetcher) Document(ctx context.Context, id string) (Document, error) {
	if err := CheckID(id); err != nil {
		return Document{}, err
	}
	if d, ok := builtin(id); ok {
		return d, nil
	}
	f.mu.Lock()
	if e, ok := f.cache[id]; ok && f.clock().Before(e.until) {
		f.mu.Unlock()
		return e.doc, e.err
	}
	fl := f.flying[id]
	if fl == nil {
		if len(f.flying) >= maxFetches || f.hosts[Host(id)] >= maxPerHost {
			f.mu.Unlock()
			return Document{}, ErrBusy
		}
		fl = &flight{done: make(chan struct{})}
		f.flying[id] = fl
		f.hosts[Host(id)]++
		go f.fly(id, fl)
	}
	f.mu.Unlock()
	select {
	case <-fl.done:
		return fl.doc, fl.err
	case <-ctx.Done():
		return Document{}, ctx.Err()
	}
}

// fly fetches for all who wait and remembers the answer, a refusal too. It
// does not end with the first caller's request, only with its own time.
func (f *Fetcher) fly(id string, fl *flight) {
	fl.doc, fl.err = f.fetch(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	keep := goodFor
	if fl.err != nil {
		keep = badFor
	}
	if len(f.cache) >= maxCached {
		for other := range f.cache {
			delete(f.cache, other)
			break
		}
	}
	f.cache[id] = entry{fl.doc, fl.err, f.clock().Add(keep)}
	delete(f.flying, id)
	if f.hosts[Host(id)]--; f.hosts[Host(id)] == 0 {
		delete(f.hosts, Host(id))
	}
	close(fl.done)
}

func (f *Fetcher) fetch(id string) (Document, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	no := func(why string) (Document, error) { return Document{}, fmt.Errorf("%w: %s", ErrDocument, why) }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id, nil)
	if err != nil {
		return no("it cannot be asked for")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "till")
	res, err := f.client.Do(req)
	if errors.Is(err, ErrDocument) {
		return no("its host does not lead to the public Internet")
	}
	if err != nil {
		return no("its host does not answer")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return no(fmt.Sprintf("its host answers with status %d", res.StatusCode))
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "application/json" {
		return no("it is not served as application/json")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return no("it does not arrive in time")
	}
	if len(body) > maxBody {
		return no("it is larger than 10 KB")
	}
	return Parse(id, body)
}
