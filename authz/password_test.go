package authz

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHasher(t *testing.T) {
	h := newHasher()
	hash, err := h.hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{"correct horse", hash, true}, {"Correct horse", hash, false}, {"", hash, false}, {strings.Repeat("x", 300), hash, false}, {"correct horse", "", false},
	} {
		if got, err := h.verify(t.Context(), c.password, c.hash); err != nil || got != c.want {
			t.Errorf("%q: %v %v", c.password, got, err)
		}
	}
	for _, broken := range []string{"x", "$argon2id$v=19$m=9999999999,t=2,p=1$AA$AA", "$argon2id$v=19$m=19456,t=0,p=1$AA$AA", "$argon2id$v=19$m=19456,t=2,p=1$*$AA", "$bcrypt$v=19$m=1,t=1,p=1$AA$AA"} {
		if _, err := h.verify(t.Context(), "correct horse", broken); err == nil {
			t.Errorf("%q is taken for a hash", broken)
		}
	}
}

// 84: passwords wait for a slot, but neither for ever nor behind a crowd.
func TestHasherIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher()
		for range cap(h.slots) {
			if _, err := h.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if _, err := h.enter(t.Context()); !errors.Is(err, errHashing) || time.Since(began) != hashPatience {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		for range cap(h.queue) {
			go h.enter(t.Context())
		}
		synctest.Wait()
		began = time.Now()
		if _, err := h.enter(t.Context()); !errors.Is(err, errHashing) || time.Since(began) != 0 {
			t.Errorf("%v after %s behind a crowd", err, time.Since(began))
		}
		time.Sleep(hashPatience)
		synctest.Wait()
	})
}
