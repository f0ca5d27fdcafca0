package authz

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// providerError says why the provider could not be asked, in words that hold
// nothing of what was sent or came: answers may repeat codes and tokens.
type providerError struct {
	text    string
	refused bool // it answered, and the answer was no
}

func (e *providerError) Error() string { return e.text }

// quiet makes a providerError of an error of the libraries.
func quiet(what string, err error) error {
	var mismatch *oidc.IssuerMismatchError
	var address *url.Error
	var answer *oauth2.RetrieveError
	var timeout interface{ Timeout() bool }
	say := func(format string, a ...any) *providerError {
		return &providerError{text: what + ": " + fmt.Sprintf(format, a...)}
	}
	for _, e := range []error{errUpstreamLarge, errUpstreamPlain, errUpstreamRedirect} {
		if errors.Is(err, e) {
			return say("%s", e)
		}
	}
	switch {
	case errors.As(err, &mismatch):
		return say("it calls itself %q", shorten(printable(mismatch.Discovered), 120))
	case errors.As(err, &answer) && answer.Response != nil:
		e := say("it answers %d %s", answer.Response.StatusCode, known(answer.ErrorCode))
		e.refused = answer.Response.StatusCode < 500
		return e
	case errors.As(err, &timeout) && timeout.Timeout():
		return say("it takes too long")
	case errors.As(err, &address):
		return say("%s", shorten(printable(address.Err.Error()), 160))
	}
	return &providerError{text: what}
}

// known is an error code of the protocol, and nothing else that came instead.
func known(code string) string {
	codes := []string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
		"access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
		"interaction_required", "login_required", "account_selection_required", "consent_required",
	}
	if slices.Contains(codes, code) {
		return code
	}
	return ""
}
