package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// window is what one shop did for some time under some clients.
type window struct {
	calls, flows int
	lasted       time.Duration
	took         []time.Duration // by each call
	cpu          time.Duration   // that the shop's process used; zero where it is not told
}

func (w window) perSecond() float64 { return float64(w.calls) / w.lasted.Seconds() }

// load lets the first n people shop at once until the time is over. Only calls that
// were answered within it count; the flows under way are finished.
func load(s *server, n int, lasting time.Duration) (window, error) {
	buyers := make([]*buyer, n)
	for i := range buyers {
		w, err := dial(s.addr, s.tokens[i], s.era)
		if err != nil {
			return window{}, fmt.Errorf("%s: %w", s.name, err)
		}
		defer w.close()
		buyers[i] = &buyer{wire: w, dialect: s.dialect}
	}
	total := window{lasted: lasting}
	errs := make([]error, n)
	var mu sync.Mutex
	var all sync.WaitGroup
	before := cpuOf(s.process.Process.Pid)
	end := time.Now().Add(lasting)
	for i, b := range buyers {
		all.Go(func() {
			for errs[i] == nil && time.Now().Before(end) {
				b.took = b.took[:0]
				began := time.Now()
				errs[i] = b.shop()
				mu.Lock()
				total.add(b.took, began, end)
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Until(end))
	total.cpu = cpuOf(s.process.Process.Pid) - before
	all.Wait()
	for _, err := range errs {
		if err != nil { // the others' are like it
			return window{}, fmt.Errorf("%s with %d clients: %w; it said: %s", s.name, n, err, &s.said)
		}
	}
	return total, nil
}

// add counts a flow's calls that ended in time; they follow each other closely.
func (w *window) add(took []time.Duration, began, end time.Time) {
	for _, t := range took {
		if began = began.Add(t); began.After(end) {
			return
		}
		w.calls++
		w.took = append(w.took, t)
	}
	w.flows++
}

// quantile is the latency that a part of the calls stays below.
func quantile(took []time.Duration, q float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	return took[min(int(q*float64(len(took))), len(took)-1)]
}

// result is what a shop did under so many clients in all rounds.
type result struct {
	rounds []window
	sorted []time.Duration
}

func (r *result) add(w window) {
	r.rounds = append(r.rounds, w)
	r.sorted = append(r.sorted, w.took...)
}

// median is the middle of what the rounds say.
func (r *result) median(of func(window) float64) float64 {
	var v []float64
	for _, w := range r.rounds {
		v = append(v, of(w))
	}
	return middle(v)
}

func middle(v []float64) float64 {
	slices.Sort(v)
	if len(v) == 0 {
		return 0
	}
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}
