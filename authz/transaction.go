package authz

import (
	"crypto/subtle"
	"net"
	"net/http"
	"time"
)

// transaction is an authorization request on its way through login and
// consent. It travels sealed in the page's address and forms, bound to the
// browser in which it began, so that nothing is kept here and nobody can
// finish in one browser what began in another. Its id becomes the grant's, so
// that it leads to one grant at most.
type transaction struct {
	ID        string    `json:"i"`
	Issuer    string    `json:"u"`
	Client    string    `json:"c,omitempty"` // empty: not an agent, the person visits their own pages
	Name      string    `json:"n,omitempty"`
	Verified  string    `json:"v,omitempty"`
	Refresh   bool      `json:"f,omitempty"`
	Redirect  string    `json:"r,omitempty"`
	State     string    `json:"s,omitempty"`
	Challenge string    `json:"p,omitempty"`
	Scopes    []string  `json:"a,omitempty"`
	Resource  string    `json:"t,omitempty"`
	Expires   time.Time `json:"e"`
	// Login asks for a fresh login even if the browser has a session; After is
	// when it was asked.
	Login bool      `json:"l,omitempty"`
	After time.Time `json:"b,omitzero"`
	// Next is the person's own page that a login without a client leads to.
	Next string `json:"x,omitempty"`
}

// cookie names: on https the __Host- prefix pins them to this host. Without
// it browsers share cookies between the ports of a host, so the port is part
// of the name: two shops on one machine must not log each other out.
func cookieName(at site, what string) string {
	if at.secure {
		return "__Host-till-" + what
	}
	if _, port, err := net.SplitHostPort(at.host); err == nil {
		return "till-" + what + "-" + port
	}
	return "till-" + what
}

func setCookie(w http.ResponseWriter, at site, what, value string, age time.Duration) {
	c := &http.Cookie{
		Name: cookieName(at, what), Value: value, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: at.secure,
	}
	switch {
	case age < 0:
		c.MaxAge = -1
	case age > 0:
		c.MaxAge = int(age / time.Second)
	}
	http.SetCookie(w, c)
}

// readCookie returns the value of a cookie that has the form of our own.
func readCookie(r *http.Request, at site, what string) string {
	// A name that comes twice was tossed in from elsewhere: trust neither.
	all := r.CookiesNamed(cookieName(at, what))
	if len(all) != 1 || len(all[0].Value) != secretLength || !base64url(all[0].Value) {
		return ""
	}
	return all[0].Value
}

// browser returns the random id of this browser, giving it one if it has none.
func (s *Server) browser(w http.ResponseWriter, r *http.Request, at site) string {
	id := readCookie(r, at, "browser")
	if id == "" {
		id = random(32)
		setCookie(w, at, "browser", id, 0)
	}
	return id
}

var (
	errTransaction = &pageError{status: 400, title: "This page has expired", text: "It was opened in another browser, more than ten minutes ago, or used before.",
		hint: "Go back to your app and connect again."}
	errForeignForm = &pageError{status: 403, title: "That form came from another site", text: "For your safety the shop takes forms from its own pages only.",
		hint: "Open the page here and try again."}
)

func (s *Server) sealTransaction(tx transaction, browser string) (string, error) {
	return seal(s.keys.transaction, tx, browser)
}

// transaction opens the request's sealed transaction, which must have begun in
// this browser on this site and not be older than ten minutes.
func (s *Server) transaction(r *http.Request, at site, sealed string) (tx transaction, browser string, err error) {
	browser = readCookie(r, at, "browser")
	if browser == "" || sealed == "" || unseal(s.keys.transaction, sealed, &tx, browser) != nil ||
		tx.Issuer != at.issuer || !s.now().Before(tx.Expires) {
		return transaction{}, "", errTransaction
	}
	return tx, browser, nil
}

// same is whether two secrets are equal, told in a time that does not tell more.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// formToken binds a form to its purpose, transaction, browser and session.
// Being derived it is the same however often the page is loaded (clients.md
// row 14).
func (s *Server) formToken(purpose, txID, browser, session string) string {
	return b64(mac(s.keys.form, purpose, txID, browser, session))
}

func (s *Server) checkForm(r *http.Request, purpose, txID, browser, session string) error {
	want := s.formToken(purpose, txID, browser, session)
	if browser == "" || subtle.ConstantTimeCompare([]byte(want), []byte(r.PostForm.Get("form"))) != 1 {
		return errTransaction
	}
	return nil
}

const maxForm = 64 << 10

// parseForm reads the body of a posted page, bounded.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil {
		return &pageError{status: 400, title: "That form could not be read", text: "It was too large or damaged on its way.", hint: "Go back and try again."}
	}
	return nil
}
