package authz

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"till/domain/account"
	"till/domain/decider"
	"till/domain/eventlog"
)

// Accounts opens accounts and checks passwords. A login name rests as a MAC in
// a bucket, which makes it unique, and sealed on the log; a password hash
// rests in the bucket only, under the credential's id, and the account's event
// says which credential counts: so a crash in between changes nothing. Passkeys
// rest in the bucket likewise, under the account's id.
type Accounts struct {
	people      *People
	credentials eventlog.Bucket
	handler     *decider.Handler[account.State, account.Command, account.Event]
	views       Views
	keys        keys
	hasher      *hasher
	now         func() time.Time
	log         eventlog.Log
	types       *eventlog.Types
	// destroying is held, for reading, by whoever destroys keys, passkeys or
	// password hashes. See Hold.
	destroying sync.RWMutex
}

func newAccounts(cfg Config, k keys) *Accounts {
	return &Accounts{
		people:      &People{cfg.People, k.people},
		credentials: cfg.Credentials,
		handler:     decider.NewHandler(account.Decider(), cfg.Types, cfg.Log, cfg.Views),
		views:       cfg.Views, keys: k, hasher: newHasher(),
		now: func() time.Time { return cfg.Clock().UTC() },
		log: cfg.Log, types: cfg.Types,
	}
}

var (
	// ErrLogin: the text cannot be a login name.
	ErrLogin = errors.New("a login name has 1 to 64 characters: letters a–z, digits and . _ - + @, beginning with a letter or digit")
	// ErrTaken: another account has the login name.
	ErrTaken = errors.New("the login name is taken")
	// ErrNobody: no account has the login name.
	ErrNobody = errors.New("no account has that login name")
	// ErrWrong: login and password do not belong together, or the account is
	// shut. It never says which.
	ErrWrong = errors.New("the user name or the password is wrong")
)

// normalLogin is the login name as it is compared.
func normalLogin(login string) (string, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if len(login) == 0 || len(login) > 64 || strings.IndexByte("._@+-", login[0]) >= 0 {
		return "", ErrLogin
	}
	for i := range len(login) {
		c := login[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("._@+-", c) < 0 {
			return "", ErrLogin
		}
	}
	return login, nil
}

func (a *Accounts) loginKey(login string) string { return "login." + b64(mac(a.keys.login, login)) }

func credentialKey(id string) string { return "password." + id }

// People returns the keys under which people's names are sealed.
func (a *Accounts) People() *People { return a.people }

// OpenAccount opens an account and returns the person's random id. It returns
// ErrLogin, ErrPassword, ErrTaken, account.ErrRole, or the log's errors; it may
// be called again after an error.
func (a *Accounts) OpenAccount(ctx context.Context, login, password string, role account.Role) (user string, err error) {
	login, err = normalLogin(login)
	if err != nil {
		return "", err
	}
	if !passwordFits(password) {
		return "", ErrPassword
	}
	user = "usr_" + random(16)
	err = a.credentials.Create(ctx, a.loginKey(login), []byte(user))
	if errors.Is(err, eventlog.ErrKeyExists) {
		// Either the name is taken, or an earlier call died before the event.
		if user, err = a.user(ctx, login); err != nil {
			return "", err
		}
		if s, err := a.state(ctx, user); err != nil {
			return "", err
		} else if s.User != "" {
			return "", ErrTaken
		}
	} else if err != nil {
		return "", err
	}
	key, err := a.people.Make(ctx, user)
	if err != nil {
		return "", err
	}
	sealed, err := eventlog.Seal(key, user, login)
	if err != nil {
		return "", err
	}
	credential, err := a.store(ctx, password)
	if err != nil {
		return "", err
	}
	now := a.now()
	out, err := a.handler.Do(ctx, user, account.Open{User: user, Login: sealed, Role: role, Credential: credential, At: now}, a.meta(now, user))
	if errors.Is(err, account.ErrExists) {
		return "", ErrTaken
	}
	if err != nil {
		return "", err
	}
	return user, a.views.Wait(ctx, out.Position)
}

// store hashes a password and keeps the hash under a new credential id.
func (a *Accounts) store(ctx context.Context, password string) (credential string, err error) {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	credential = "crd_" + random(16)
	return credential, a.credentials.Put(ctx, credentialKey(credential), []byte(hash))
}

// SetPassword gives the person another password. All their browser sessions and
// passkeys end with it; their agents stay connected. It returns ErrPassword,
// account.ErrUnknown or the log's errors.
func (a *Accounts) SetPassword(ctx context.Context, user, password string) error {
	if !passwordFits(password) {
		return ErrPassword
	}
	before, err := a.state(ctx, user)
	if err != nil {
		return err
	}
	if before.User == "" {
		return account.ErrUnknown
	}
	credential, err := a.store(ctx, password)
	if err != nil {
		return err
	}
	now := a.now()
	out, err := a.handler.Do(ctx, user, account.ChangePassword{Credential: credential, At: now}, a.meta(now, user))
	if errors.Is(err, account.ErrForgotten) { // just now
		return errors.Join(err, a.credentials.Delete(ctx, credentialKey(credential)))
	}
	if err != nil {
		return err
	}
	if err := a.views.Wait(ctx, out.Position); err != nil {
		return err
	}
	if err := a.keepPasskeys(ctx, user, now); err != nil {
		return err
	}
	a.destroying.RLock()
	defer a.destroying.RUnlock()
	return a.credentials.Delete(ctx, credentialKey(before.Credential))
}

// disable shuts or opens the account. Sessions end with it; see
// [Server.DisableAccount] for the agents.
func (a *Accounts) disable(ctx context.Context, user string, cmd account.Command) error {
	return a.change(ctx, user, cmd, a.meta(a.now(), user))
}

// change returns once the views show what the command changed.
func (a *Accounts) change(ctx context.Context, user string, cmd account.Command, meta eventlog.Meta) error {
	out, err := a.handler.Do(ctx, user, cmd, meta)
	if err != nil {
		return err
	}
	return a.views.Wait(ctx, out.Position)
}

// CheckPassword returns the account that login and password belong to, or
// ErrWrong: after the same work and in the same words whether the name, the
// password or the account is at fault.
func (a *Accounts) CheckPassword(ctx context.Context, login, password string) (account.State, error) {
	var s account.State
	var stored string
	if login, err := normalLogin(login); err == nil {
		user, err := a.user(ctx, login)
		switch {
		case errors.Is(err, ErrNobody):
		case err != nil:
			return s, err
		default:
			if s, err = a.state(ctx, user); err != nil {
				return s, err
			}
			if s.Active() {
				hash, _, err := a.credentials.Get(ctx, credentialKey(s.Credential))
				if err != nil && !errors.Is(err, eventlog.ErrNoKey) {
					return s, err
				}
				stored = string(hash)
			}
		}
	}
	right, err := a.hasher.verify(ctx, password, stored)
	if err != nil {
		return account.State{}, err
	}
	if !right {
		return account.State{}, ErrWrong
	}
	return s, nil
}

// Find returns the id of the person with the login name, or ErrNobody.
func (a *Accounts) Find(ctx context.Context, login string) (user string, err error) {
	login, err = normalLogin(login)
	if err != nil {
		return "", ErrNobody
	}
	return a.user(ctx, login)
}

// Login returns the person's login name, "erased" if it has been forgotten.
func (a *Accounts) Login(ctx context.Context, user string) (string, error) {
	s, err := a.state(ctx, user)
	if err != nil {
		return "", err
	}
	if s.User == "" {
		return "", account.ErrUnknown
	}
	return a.people.Open(ctx, s.Login)
}

func (a *Accounts) user(ctx context.Context, login string) (string, error) {
	user, _, err := a.credentials.Get(ctx, a.loginKey(login))
	if errors.Is(err, eventlog.ErrNoKey) {
		return "", ErrNobody
	}
	return string(user), err
}

// state is the account as the views have it, the zero state if they have none.
func (a *Accounts) state(ctx context.Context, user string) (account.State, error) {
	return stateOf[account.State](ctx, a.views, account.Category, user)
}

func (a *Accounts) meta(now time.Time, user string) eventlog.Meta {
	return eventlog.Meta{Command: random(16), Actor: eventlog.Actor{Kind: eventlog.System, User: user}, Time: now}
}

// stateOf reads an aggregate's folded state from the views.
func stateOf[S any](ctx context.Context, views Views, category, id string) (S, error) {
	var zero S
	if err := views.Check(); err != nil {
		return zero, err
	}
	state, _, err := views.State(ctx, eventlog.Stream{Category: category, ID: id})
	if err != nil || state == nil {
		return zero, err
	}
	s, ok := state.(S)
	if !ok {
		return zero, fmt.Errorf("authz: the views hold a %T for %s/%s", state, category, id)
	}
	return s, nil
}
