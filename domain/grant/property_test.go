package grant_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/decider/story"
	"till/domain/grant"
)

// Whatever is asked in whatever order: at most one redemption, generations
// without gaps, nothing after the end, no state that grows with its age, and
// what the views keep as JSON is the state.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s grant.State
		now := noon
		first, ended := 0, false
		minted := []string{"r0"}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
			n := string(rune('A' + step))
			p := grant.Pair{Access: grant.Hash("a" + n), Refresh: grant.Hash("r" + n), Expires: now.Add(10 * time.Minute), At: now}
			client := rapid.SampledFrom([]string{"cli_1", "cli_1", "cli_1", "cli_2"}).Draw(t, "client")
			var cmd grant.Command
			switch rapid.IntRange(0, 9).Draw(t, "command") {
			case 0:
				c := consent
				c.At, c.CodeExpires, c.Until = now, now.Add(time.Minute), now.Add(time.Hour)
				cmd = c
			case 1, 2:
				cmd = grant.Redeem{Code: "code", Client: client, Challenge: rapid.SampledFrom([]string{"challenge", "challenge", "wrong"}).Draw(t, "proof"), Pair: p}
			case 3:
				cmd = grant.Revoke{Reason: grant.ByUser, At: now}
				if rapid.Bool().Draw(t, "spared") {
					continue
				}
			default:
				token := rapid.SampledFrom(minted).Draw(t, "token")
				cmd = grant.Renew{Presented: grant.Hash(token), Ours: token != "r0", Client: client, Leeway: 30 * time.Second, Pair: p}
			}
			events, err := grant.Decide(s, cmd)
			if err != nil && len(events) > 0 {
				t.Fatal("both refused and decided")
			}
			story.Redone(t, grant.Decider(), grant.Redo, s, events...)
			for _, e := range events {
				if ended {
					t.Fatalf("%T after the end", e)
				}
				before := s.Generation
				s = grant.Evolve(s, e)
				switch e := e.(type) {
				case grant.TokensIssued:
					if e.From == 0 {
						first++
					}
					if e.Generation != before+1 {
						t.Fatalf("generation %d after %d", e.Generation, before)
					}
					minted = append(minted, string(e.Refresh))
					if _, err := s.Check(e.Generation, e.Access, now); err != nil {
						t.Fatalf("the newest token does not work: %v", err)
					}
				case grant.Revoked:
					ended = true
				}
			}
			if first > 1 {
				t.Fatal("one code was redeemed twice")
			}
			if len(s.Access) > 16 || len(s.Refresh) > 16 {
				t.Fatalf("the state grows: %d access, %d refresh tokens", len(s.Access), len(s.Refresh))
			}
			if ended && s.Live(now) {
				t.Fatal("a revoked grant lives")
			}
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back grant.State
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("kept as\n\t%+v\nwas\n\t%+v", back, s)
		}
	})
}
