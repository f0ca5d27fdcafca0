package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// printTable prints what each shop did under n clients, in Markdown: the middle of
// the rounds, and of the first shop's calls a second the part of each other's in the
// same round.
func printTable(out io.Writer, n int, shops []*server, results []result) {
	fmt.Fprintf(out, "\n%d %s, %d rounds\n\n", n, map[bool]string{true: "client", false: "clients"}[n == 1], len(results[0].rounds))
	fmt.Fprintln(out, "| shop | calls/s | whole ways/s | p50 ms | p99 ms | its CPU µs/call | Till is × (lowest, highest round) |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	for i, s := range shops {
		r := &results[i]
		slices.Sort(r.sorted)
		times := ""
		if i > 0 {
			var ratios []float64
			for round, w := range r.rounds {
				ratios = append(ratios, results[0].rounds[round].perSecond()/w.perSecond())
			}
			times = fmt.Sprintf("%.1f (%.1f, %.1f)", middle(ratios), slices.Min(ratios), slices.Max(ratios))
		}
		cpu := r.median(func(w window) float64 { return float64(w.cpu.Microseconds()) / float64(w.calls) })
		ways := r.median(func(w window) float64 { return float64(w.flows) / w.lasted.Seconds() })
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %s | %s | %.0f | %s |\n", s.name, r.median(window.perSecond), ways,
			millis(quantile(r.sorted, 0.5)), millis(quantile(r.sorted, 0.99)), cpu, times)
	}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
