package tests

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// family is one grant and the tokens of it that the shop has handed out.
type family struct {
	client string
	mu     sync.Mutex
	pairs  []pair
}

func (f *family) add(p pair) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs = append(f.pairs, p)
}

func (f *family) newest() pair {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pairs[len(f.pairs)-1]
}

// all are the pairs so far.
func (f *family) all() []pair {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pairs)
}

// grantOf is the grant that a token names: at_<grant>.<generation>.<secret>.
func grantOf(token string) string {
	id, _, _ := strings.Cut(token[3:], ".")
	return id
}

// hashOf is what the log keeps of a token.
func hashOf(token string) string {
	parts := strings.Split(token, ".")
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[2]))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// issued notes tokens that the shop has handed out.
func (s *stream) issued(kind string, p pair) {
	s.acknowledge(kind, func(l *record) string {
		if l.tokens[hashOf(p.access)] != 1 || l.tokens[hashOf(p.refresh)] != 1 {
			return fmt.Sprintf("the tokens of grant %s once (there %d and %d times)", grantOf(p.access), l.tokens[hashOf(p.access)], l.tokens[hashOf(p.refresh)])
		}
		return ""
	})
}

// accepted is whether the endpoint takes the access token.
func (s *stream) accepted(token string) (bool, error) {
	for range 100 {
		out, err := s.tool(token, "view_cart", nil)
		if err != nil {
			return false, err
		}
		switch out.status {
		case http.StatusOK:
			return true, nil
		case http.StatusUnauthorized:
			return false, nil
		}
		time.Sleep(20 * time.Millisecond) // it cannot say now
	}
	return false, fmt.Errorf("%w: it cannot say whether a token is good", errGone)
}

// slow is an answer of the rate limit or of a shop that closes; what was asked
// has not been done, so it may be asked again.
func slow(refused string) bool {
	if strings.HasPrefix(refused, "429 ") || strings.HasPrefix(refused, "503 ") {
		time.Sleep(30 * time.Millisecond)
		return true
	}
	return false
}

// visitor logs a person in, again and again, each time for a new grant.
type visitor struct {
	*stream
	*person
	random *rand.Rand
	client string
	n      int
	// code redeems a code whose answer was lost.
	code url.Values
}

func (v *visitor) act() error {
	if v.code != nil {
		got, refused, err := v.tokens(v.code)
		switch {
		case err != nil || slow(refused):
			return err
		case refused == "":
			v.connected(got)
		case refused != "400 invalid_grant": // it was redeemed: twice is not allowed
			v.wrong("a code that is sent again is refused with %s", refused)
		}
		v.code = nil
	}
	if v.client == "" || v.random.IntN(10) == 0 {
		v.n++
		client, err := v.register(fmt.Sprintf("Agent %d of %s", v.n%5, v.name))
		if err != nil {
			return err
		}
		v.client = client
	}
	code, err := v.plain.code(v.client, v.name, v.password, scopes, strings.Repeat("verifier-", 6))
	if err != nil {
		return err
	}
	got, refused, err := v.tokens(code)
	if err != nil || slow(refused) {
		v.code = code
		return err
	}
	if refused != "" {
		v.wrong("a new code is refused with %s", refused)
		return nil
	}
	v.connected(got)
	return nil
}

// connected hands a new grant on to those who will end it.
func (v *visitor) connected(p pair) {
	v.issued("logins", p)
	v.offer(&family{client: v.client, pairs: []pair{p}})
}

// refresher rotates a refresh token, as agents do that are connected for long.
type refresher struct {
	*stream
	client string
	held   pair
}

func (r *refresher) act() error {
	got, refused, err := r.refresh(r.client, r.held.refresh)
	if err != nil || slow(refused) {
		return err // it still holds the pair of the last answer
	}
	if refused != "" {
		r.wrong("the last refresh token that was handed out is refused with %s", refused)
		time.Sleep(time.Second)
		return nil
	}
	r.held = got
	r.issued("refreshes", got)
	good, err := r.accepted(got.access)
	if err == nil && !good {
		r.wrong("an access token that was just handed out is refused")
	}
	return err
}

// revoker ends grants, while somebody else refreshes their tokens.
type revoker struct {
	*stream
	random *rand.Rand
	ending *family
}

func (r *revoker) act() error {
	if r.ending == nil {
		if r.ending = r.take(); r.ending == nil {
			time.Sleep(5 * time.Millisecond)
			return nil
		}
		good, err := r.accepted(r.ending.newest().access)
		if err != nil {
			return err
		}
		if !good {
			r.wrong("the token of a grant that nobody has ended is refused")
		}
	}
	f, last := r.ending, r.ending.newest()
	var racing sync.WaitGroup
	racing.Go(func() {
		if got, refused, err := r.refresh(f.client, last.refresh); err == nil && refused == "" {
			f.add(got)
		}
	})
	token := last.refresh
	if r.random.IntN(2) == 0 {
		token = last.access
	}
	done, err := r.revoke(f.client, token)
	racing.Wait()
	if err != nil || !done {
		time.Sleep(10 * time.Millisecond)
		return err // it will ask again, also in the shop's next life
	}
	r.ending = nil
	grant := grantOf(token)
	r.acknowledge("revocations", func(l *record) string {
		if l.revoked[grant] != 1 {
			return fmt.Sprintf("the end of grant %s once (there %d times)", grant, l.revoked[grant])
		}
		return ""
	})
	r.revoked(f)
	return r.refuses(f)
}

// refuses checks that nothing of an ended grant is good any more.
func (s *stream) refuses(f *family) error {
	for _, p := range f.all() {
		good, err := s.accepted(p.access)
		if err != nil {
			return err
		}
		if good {
			s.wrong("a token of grant %s is accepted after the shop has said that it is revoked", grantOf(p.access))
		}
	}
	for _, p := range f.all() {
		_, refused, err := s.refresh(f.client, p.refresh)
		for err == nil && slow(refused) {
			_, refused, err = s.refresh(f.client, p.refresh)
		}
		if err != nil {
			return err
		}
		if refused != "400 invalid_grant" {
			s.wrong("a refresh token of grant %s, which is revoked, is answered with %q", grantOf(p.refresh), refused)
		}
	}
	return nil
}
