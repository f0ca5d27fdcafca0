package authz

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"till/authz/cimd"
	"till/domain/eventlog"
	"till/domain/grant"
)

const (
	maxQuery = 8 << 10
	maxState = 2 << 10
)

// errorRedirect sends an error back to the client (RFC 6749 section 4.1.2.1).
// It is made only once client and address are known to belong together.
type errorRedirect struct {
	redirect, state, issuer string
	wireError
}

func (e *errorRedirect) Error() string { return e.Code + ": " + e.Description }

// authorize begins an authorization (RFC 6749 section 4.1.1, OAuth 2.1, RFC
// 7636, 8707, 9207). Until client and redirect address are proven, errors are
// shown to the person; after that they go to the client.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if len(r.URL.RawQuery) > maxQuery {
		return badRequest("The request of your app is too large.")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("The request of your app is not well-formed.")
	}
	for name, values := range q {
		if len(values) > 1 {
			return badRequest("The request of your app names " + shorten(printable(name), 40) + " more than once.")
		}
	}
	if q.Get("client_id") == "" || q.Get("redirect_uri") == "" {
		return badRequest("The request of your app lacks its client_id or its redirect_uri.")
	}
	c, err := s.asker(r, q.Get("client_id"))
	if err != nil {
		return askerPage(err)
	}
	if !c.match(q.Get("redirect_uri")) {
		return &pageError{status: 400, title: "That address is not registered",
			text: "The app asks for your answer to be sent to an address that it has not registered, so nothing was sent anywhere.",
			hint: "Remove the connection in your app and add it again."}
	}
	tx := transaction{
		ID: random(16), Issuer: at.issuer,
		Client: c.ID, Name: c.Name, Verified: c.Verified, Refresh: c.Refresh,
		Redirect: q.Get("redirect_uri"), State: q.Get("state"), Challenge: q.Get("code_challenge"),
		Expires: s.now().Add(transactionLife),
	}
	if no := s.checkRequest(q, &tx); no != nil {
		return &errorRedirect{tx.Redirect, tx.State, at.issuer, *no}
	}
	return s.begin(w, r, at, tx, strings.Fields(q.Get("prompt")))
}

// checkRequest checks what the client asks for and completes the transaction.
func (s *Server) checkRequest(q url.Values, tx *transaction) *wireError {
	no := func(code, description string) *wireError { return &wireError{code, description} }
	switch {
	case len(tx.State) > maxState:
		tx.State = ""
		return no("invalid_request", "state is longer than 2 KB.")
	case q.Has("request"):
		return no("request_not_supported", "Request objects are not supported: send plain parameters.")
	case q.Has("request_uri"):
		return no("request_uri_not_supported", "Request objects are not supported: send plain parameters.")
	case q.Get("response_type") == "":
		return no("invalid_request", "response_type is missing: use code.")
	case q.Get("response_type") != "code":
		return no("unsupported_response_type", "Only response_type=code is supported.")
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return no("invalid_request", "Only response_mode=query is supported.")
	case tx.Challenge == "":
		return no("invalid_request", "code_challenge is missing: PKCE with S256 is required.")
	case q.Get("code_challenge_method") != "S256":
		return no("invalid_request", "code_challenge_method must be S256.")
	case len(tx.Challenge) != secretLength || !base64url(tx.Challenge):
		return no("invalid_request", "code_challenge must be the 43 characters of a base64url SHA-256.")
	}
	tx.Resource = s.sites.main.resource
	if q.Has("resource") {
		if _, ok := s.sites.canonical(q.Get("resource")); !ok {
			return no("invalid_target", "The resource of this shop is "+s.sites.main.resource+".")
		}
	}
	// Unknown scopes are dropped, not refused (clients.md row 10). The role is
	// looked at once the person is known.
	tx.Scopes = slices.DeleteFunc(knownScopes(q.Get("scope")), func(scope string) bool { return scope == offline })
	return nil
}

// begin sends the browser to the page that comes next.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, at site, tx transaction, prompt []string) error {
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	back := func(code, description string) error {
		return &errorRedirect{tx.Redirect, tx.State, at.issuer, wireError{code, description}}
	}
	silent := slices.Contains(prompt, "none")
	switch {
	case silent && len(prompt) > 1:
		return back("invalid_request", "prompt=none stands alone.")
	case silent && who.User == "":
		return back("login_required", "Nobody is logged in.")
	}
	if slices.Contains(prompt, "login") {
		tx.Login, tx.After = true, s.now()
	}
	if who.User != "" && !tx.Login && !slices.Contains(prompt, "consent") && !slices.Contains(prompt, "select_account") {
		remembered, err := s.remembered(r.Context(), tx, who)
		if err != nil {
			return err
		}
		if remembered {
			return s.allow(w, r, tx, who)
		}
	}
	if silent {
		return back("consent_required", "The person has to agree first.")
	}
	sealed, err := s.sealTransaction(tx, s.browser(w, r, at))
	if err != nil {
		return err
	}
	next := "/consent"
	if who.User == "" || tx.Login {
		next = "/login"
	}
	seeOther(w, next+"?tx="+sealed)
	return nil
}

// askerPage words why a client cannot be taken.
func askerPage(err error) error {
	again := "Remove the connection in your app and add it again."
	switch {
	case errors.Is(err, errUnknownClient):
		return &pageError{status: 400, title: "The shop does not know this app", text: "It was never registered here, or so long ago without being used that it was forgotten.", hint: again}
	case errors.Is(err, cimd.ErrID):
		return &pageError{status: 400, title: "The shop does not know this app", text: "The address by which the app calls itself cannot be accepted.", hint: again}
	case errors.Is(err, cimd.ErrDocument):
		return &pageError{status: 400, title: "The app could not be verified", text: "The document in which it describes itself cannot be read or says something unacceptable.",
			hint: "Try again in a minute. If it stays, tell the makers of the app."}
	case errors.Is(err, cimd.ErrBusy):
		return &pageError{status: 503, title: "One moment", text: "Too many apps are being verified just now.", hint: "Try again in a few seconds.", after: errUnavailable.after}
	}
	return err
}

func badRequest(text string) error {
	return &pageError{status: 400, title: "Your app sent something wrong", text: text, hint: "Remove the connection in your app and add it again."}
}

// redirectBack adds the parameters to the client's address. Its own query, if
// it has one, stays as it is.
func redirectBack(w http.ResponseWriter, address string, params ...string) {
	var b strings.Builder
	b.WriteString(address)
	next := byte('?')
	if strings.Contains(address, "?") {
		next = '&'
	}
	for i := 0; i < len(params); i += 2 {
		if params[i+1] == "" {
			continue
		}
		b.WriteByte(next)
		b.WriteString(params[i] + "=" + url.QueryEscape(params[i+1]))
		next = '&'
	}
	seeOther(w, b.String())
}

// seeOther redirects with 303, after which no browser posts a form again. It
// does not use http.Redirect, which would rewrite the client's address.
func seeOther(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// issueCode records the consent and returns the code.
func (s *Server) issueCode(r *http.Request, tx transaction, who visitor) (string, error) {
	now := s.now()
	code := s.keys.mint(codeKind, tx.ID)
	cmd := grant.Authorize{
		ID: tx.ID, User: who.User, Client: tx.Client, ClientName: tx.Name, Verified: tx.Verified,
		Resource: tx.Resource, Redirect: tx.Redirect,
		Scopes: grant.Choose(tx.Scopes, who.admin()), Challenge: tx.Challenge,
		Code: code.hash(), CodeExpires: now.Add(codeLife), At: now,
	}
	if tx.Refresh {
		cmd.Until = now.Add(s.cfg.RefreshLife)
	}
	meta := s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User, Client: tx.Client, Grant: tx.ID})
	out, err := s.grants.Do(r.Context(), tx.ID, cmd, meta)
	if errors.Is(err, grant.ErrExists) {
		return "", errTransaction
	}
	if err != nil {
		return "", err
	}
	return code.String(), s.cfg.Views.Wait(r.Context(), out.Position)
}
