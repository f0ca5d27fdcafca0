package authz

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ceremonyLife is how long a person has from the page to the answer of their
// authenticator.
const ceremonyLife = 5 * time.Minute

// relying are the sites for which browsers make passkeys, by issuer, as WebAuthn's
// relying parties. A passkey belongs to a host name, and browsers want https for
// it or localhost: the shop's other addresses are not among them.
type relying map[string]*webauthn.WebAuthn

func newRelying(all sites) relying {
	parties := relying{}
	for _, at := range all.all {
		if !at.secure && at.name() != "localhost" {
			continue
		}
		verified := protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			// It stands in for the password, so possession alone is not enough.
			UserVerification: protocol.VerificationRequired,
		}
		times := webauthn.TimeoutConfig{Timeout: ceremonyLife} // enforced by our own clock
		party, err := webauthn.New(&webauthn.Config{
			RPID: at.name(), RPDisplayName: "Till", RPOrigins: []string{at.issuer},
			AuthenticatorSelection: verified, AttestationPreference: protocol.PreferNoAttestation,
			Timeouts: webauthn.TimeoutsConfig{Login: times, Registration: times},
		})
		if err == nil { // else the host is an IP address or no whole name
			parties[at.issuer] = party
		}
	}
	return parties
}

// name is the site's host without its port.
func (at site) name() string {
	name, _, err := net.SplitHostPort(at.host)
	if err != nil {
		name = at.host
	}
	return strings.Trim(name, "[]")
}

// ceremony is what an authenticator was asked, on its way through the page and
// back: sealed like a transaction, for one browser, so that nothing is kept here.
type ceremony struct {
	Data   webauthn.SessionData `json:"d"`
	Issuer string               `json:"u"`
	// Tx is the transaction of a login.
	Tx string `json:"t,omitempty"`
	// Session and After are what an added passkey stands on; see account.AddPasskey.
	Session string    `json:"s,omitempty"`
	After   int       `json:"a,omitempty"`
	Expires time.Time `json:"e"`
}

// What a ceremony is for: an answer to one is none to the other.
const (
	toLogIn = "passkey login "
	toAdd   = "passkey add "
)

// errCeremony: the page is too old, or was not opened in this browser.
var errCeremony = errors.New("that took longer than five minutes, or began in another browser")

func (s *Server) sealCeremony(c ceremony, at, purpose, browser string) (string, error) {
	c.Issuer, c.Expires = at, s.now().Add(ceremonyLife)
	return seal(s.keys.passkey, c, purpose+browser)
}

func (s *Server) ceremony(sealed string, at site, purpose, browser string) (c ceremony, err error) {
	if browser == "" || len(sealed) > maxAnswer || unseal(s.keys.passkey, sealed, &c, purpose+browser) != nil ||
		c.Issuer != at.issuer || !s.now().Before(c.Expires) {
		return ceremony{}, errCeremony
	}
	return c, nil
}

// maxAnswer bounds what a page sends on behalf of an authenticator. Real answers
// have one or two thousand bytes.
const maxAnswer = 16 << 10

// answered is the answer in the form, empty if there is none that can be one.
func answered(r *http.Request) []byte {
	text := r.PostForm.Get("answer")
	if len(text) > maxAnswer {
		return nil
	}
	return []byte(text)
}

// passkeyOffer is what a page needs to talk to an authenticator.
type passkeyOffer struct {
	Options  string // for navigator.credentials, in JSON
	Ceremony string
	Form     string
}
