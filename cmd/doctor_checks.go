package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"till/domain/checkout"
	"till/domain/eventlog"
)

// lowSpace is how little free space, in bytes, is worth a warning.
const lowSpace = 1 << 30

func (a *App) checkFolder(context.Context) (finding, error) {
	f := finding{Check: "data folder", State: well, Found: a.folder.Path()}
	info, err := os.Stat(a.folder.Path())
	if err != nil {
		return f, err
	}
	probe, err := os.CreateTemp(a.folder.Path(), ".doctor-*")
	if err == nil {
		_, err = probe.WriteString("well?\n")
		err = errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		f.State, f.Found = wrong, fmt.Sprintf("%s cannot be written to (%v)", a.folder.Path(), err)
		f.Do = "make room on its disk and see that it belongs to this user; nothing is lost, and the shop goes on by itself"
		return f, nil
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		f.State, f.Found = wrong, fmt.Sprintf("%s may be read by others (%v)", a.folder.Path(), info.Mode().Perm())
		f.Do = "chmod 700 " + a.folder.Path()
		return f, nil
	}
	free, kind, err := diskOf(a.folder.Path())
	switch {
	case err != nil:
		f.Found += ", only this user's, writable; how much room there is cannot be told"
	case kind != "":
		f.State, f.Found = worth, fmt.Sprintf("%s lies on %s", a.folder.Path(), kind)
		f.Do = "a local disk keeps what is acknowledged; move the folder there with the shop stopped"
	case free < lowSpace:
		f.State, f.Found = worth, fmt.Sprintf("%s has %s of room left", a.folder.Path(), size(free))
		f.Do = "make room: with a full disk the shop answers questions but sells nothing until there is some"
	default:
		f.Found += fmt.Sprintf(", only this user's, writable, %s of room", size(free))
	}
	return f, nil
}

func size(bytes uint64) string {
	if bytes < lowSpace {
		return fmt.Sprintf("%d MB", bytes>>20)
	}
	return fmt.Sprintf("%d GB", bytes>>30)
}

func (a *App) checkSync(context.Context) (finding, error) {
	f := finding{Check: "durability", State: well, Found: "every event is synced to the disk before it is acknowledged"}
	return f, a.nats.Down()
}

func (a *App) checkViews(ctx context.Context) (finding, error) {
	f := finding{Check: "views", State: well}
	s, err := a.views.Stats(ctx)
	if err != nil {
		f.Do = "till serve's log says more; the views are built anew from the log once it is whole"
		return f, err
	}
	f.Found = fmt.Sprintf("they include position %d of %d", s.Position, s.Head)
	switch {
	case !s.Ready:
		f.State, f.Found = worth, fmt.Sprintf("they are being built: %d of %d events", s.Built, s.Head)
		f.Do = "wait; /readyz says how far it is"
	case s.Lag() > 10_000:
		f.State, f.Do = worth, "wait; if it grows, the machine is too slow or its disk too full"
	}
	return f, nil
}

func (a *App) checkAside(ctx context.Context) (finding, error) {
	f := finding{Check: "quarantine", State: well, Found: "nothing is set aside"}
	all, err := a.views.Quarantine(ctx)
	if err == nil && len(all) > 0 {
		f.State = wrong
		f.Found = fmt.Sprintf("%d %s set aside, the first %s from position %d on", len(all), plural(len(all), "stream"), all[0].Stream, all[0].Position)
		f.Do = "till quarantine list tells why; start a till that can fold them, then till quarantine retry"
	}
	return f, err
}

// checkReservations looks for pieces and purchases that the reactors should
// have seen to long ago.
func (a *App) checkReservations(ctx context.Context) (finding, error) {
	f := finding{Check: "reservations", State: well, Found: "no piece is kept apart for a purchase that has ended, and no refund is late"}
	const most = 1000
	now := time.Now()
	overdue, err := a.views.OverdueReservations(ctx, now.Add(-10*time.Minute), most)
	if err != nil {
		return f, err
	}
	open, err := a.views.OpenOrders(ctx, now.Add(-checkout.Grace-10*time.Minute), most)
	if err != nil {
		return f, err
	}
	refunds, err := a.views.DueRefunds(ctx, now.Add(-checkout.Grace-10*time.Minute), most)
	if err != nil || len(overdue)+len(open)+len(refunds) == 0 {
		return f, err
	}
	f.State, f.Found = worth, fmt.Sprintf("%d overdue %s, %d unfinished %s and %d unpaid %s older than ten minutes", len(overdue), plural(len(overdue), "reservation"),
		len(open), plural(len(open), "purchase"), len(refunds), plural(len(refunds), "refund"))
	if f.Do = "start the shop: it sees to them within a minute"; a.served {
		f.Do = "if they stay, see in the log which payment or stock cannot be reached, and look at one with till why order"
		if open = append(open, refunds...); len(open) > 0 {
			f.Do = strings.Replace(f.Do, "till why order", "till why order "+open[0], 1)
		}
	}
	return f, nil
}

// checkKeys compares the keys under which names are sealed with the accounts.
func (a *App) checkKeys(ctx context.Context) (finding, error) {
	f := finding{Check: "keys", State: well}
	keys, err := a.buckets["people"].Keys(ctx)
	if err != nil {
		return f, err
	}
	users, err := a.views.Users(ctx)
	if err != nil {
		return f, err
	}
	has := map[string]bool{}
	for _, k := range keys {
		has[k] = true
	}
	var lost, kept []string // names that cannot be opened, keys that should be gone
	for _, user := range users {
		p, ok, err := a.views.Person(ctx, user)
		if err != nil {
			f.Do = "put the secret.key (or TILL_SECRET) back that the shop was made with"
			return f, err
		}
		switch {
		case ok && p.Forgotten && has[user]:
			kept = append(kept, user)
		case ok && !p.Forgotten && !has[user]:
			lost = append(lost, user)
		}
		delete(has, user)
	}
	switch {
	case len(kept) > 0:
		f.State, f.Found = wrong, fmt.Sprintf("%d forgotten %s still has a key, the first %s", len(kept), plural(len(kept), "person"), kept[0])
		f.Do = "till forget " + kept[0] + " --yes finishes it; so does a restart of the shop"
	case len(lost) > 0:
		f.State, f.Found = wrong, fmt.Sprintf("the key of %d %s is gone, the first %s: the name shows as erased", len(lost), plural(len(lost), "account"), lost[0])
		f.Do = "restore it from a backup; or till forget, if that was meant"
	case len(has) > 0:
		f.State, f.Found = worth, fmt.Sprintf("%d %s of no account, left by an account that was not opened to its end", len(has), plural(len(has), "key"))
		f.Do = "nothing; they open nothing"
	default:
		f.Found = fmt.Sprintf("%d %s, each name opens with its key", len(users), plural(len(users), "account"))
	}
	return f, nil
}

// checkAddress asks the shop for itself under its public URL.
func (a *App) checkAddress(ctx context.Context) (finding, error) {
	f := finding{Check: "public URL", State: well, Found: a.origin + " leads to this shop"}
	if !a.served {
		f.Found = "the shop does not run, so its public URL was not tried"
		return f, nil
	}
	if host, at := a.authz.Stray(); host != "" {
		f.State, f.Found = worth, fmt.Sprintf("the public URL is %s, but requests come for host %s (the last at %s)", a.origin, host, at.Format(time.TimeOnly))
		f.Do = "start with --public-url set to the URL that clients use, or give them " + a.origin
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	why := a.askMyself(ctx)
	if why != "" {
		f.State, f.Found = wrong, a.origin+" does not lead to this shop: "+why
		f.Do = "see that the proxy or tunnel passes on to the shop's address and keeps the Host header; from another network this may look different"
	}
	return f, nil
}

// askMyself says why the public URL does not lead here, or nothing.
func (a *App) askMyself(ctx context.Context) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.origin+"/.well-known/oauth-protected-resource/mcp", nil)
	if err != nil {
		return err.Error()
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var says struct {
		Resource string `json:"resource"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&says); err != nil || resp.StatusCode != http.StatusOK {
		return "something else answers there (" + resp.Status + ")"
	}
	if says.Resource != a.authz.Resource() {
		return "another shop answers there, which calls itself " + short(says.Resource, 100)
	}
	return ""
}

// checkLog reads the whole log: its count without a gap, types that are known,
// and times that the clock agrees with.
func (a *App) checkLog(ctx context.Context, quick bool, tell func(at, of eventlog.Position)) []finding {
	log := finding{Check: "log", State: well}
	words := finding{Check: "event types", State: well, Found: "all are known"}
	clock := finding{Check: "clock", State: well, Found: "it is not behind the last event"}
	head, err := a.log.Head(ctx)
	var last eventlog.Envelope
	unread, first := 0, ""
	switch {
	case err != nil:
	case quick:
		log.Found = fmt.Sprintf("it ends at position %d; its old parts were not read", head)
		if head > 0 {
			last, err = a.log.Get(ctx, head)
		}
	default:
		err = a.upTo(ctx, head, func(batch []eventlog.Envelope) {
			for i := range batch {
				if _, err := a.types.Decode(batch[i]); err != nil {
					if unread++; first == "" {
						first = sentence(err)
					}
				}
			}
			last = batch[len(batch)-1]
			tell(last.Position, head)
		})
		log.Found = fmt.Sprintf("all %d events are there, without a gap", head)
	}
	if err != nil {
		log.State, log.Found = wrong, sentence(err)
		if errors.Is(err, eventlog.ErrDamaged) {
			log.Do = "stop the shop, till restore a backup into an empty folder, and start that"
		}
	}
	if unread > 0 {
		words.State, words.Found = wrong, fmt.Sprintf("%d %s cannot be read: %s", unread, plural(unread, "event"), first)
		words.Do = "start the till that wrote them; if it is this one, the log is damaged there"
	}
	if ahead := time.Until(last.Time); ahead > 5*time.Second {
		clock.State, clock.Found = wrong, fmt.Sprintf("it is %s behind the last event", ahead.Round(time.Second))
		clock.Do = "set the machine's clock (ntp): tokens and reservations last too long while it is behind"
	}
	if quick {
		return []finding{log, clock}
	}
	return []finding{log, words, clock}
}
