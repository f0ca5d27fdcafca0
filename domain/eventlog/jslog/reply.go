package jslog

import (
	"strconv"
	"strings"
)

// ackSequences reads the reply subject of a delivered message: its sequence in
// the stream, the consumer's count of deliveries, and how often this message
// has been tried. The subject is $JS.ACK.<stream>.<consumer>.<tries>.<stream
// sequence>.<count>.<time>.<pending>; newer servers put domain and account hash
// after ACK and may add tokens at the end (NATS ADR-15).
func ackSequences(reply string) (stream, count, tries uint64, ok bool) {
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	if !ok {
		return 0, 0, 0, false
	}
	skip := 2
	if strings.Count(rest, ".") > 6 {
		skip = 4
	}
	for range skip {
		if _, rest, ok = strings.Cut(rest, "."); !ok {
			return 0, 0, 0, false
		}
	}
	var numbers [3]uint64
	for i := range numbers {
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		n, err := strconv.ParseUint(token, 10, 64)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = n
	}
	return numbers[1], numbers[2], numbers[0], true
}
