package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"till/authz"
)

// openidFlags name another provider at which people may log in.
type openidFlags struct {
	OpenidIssuer     string   `name:"openid-issuer" help:"OpenID provider at which people may log in too, as it calls itself (https://login.example.com). It has to know PUBLIC-URL/login/openid/callback as redirect URI." env:"TILL_OPENID_ISSUER" placeholder:"URL"`
	OpenidClientID   string   `name:"openid-client-id" help:"Client id of this shop at the provider. The client's secret is read from --openid-secret-file or TILL_OPENID_SECRET." env:"TILL_OPENID_CLIENT_ID" placeholder:"ID"`
	OpenidSecretFile string   `name:"openid-secret-file" help:"File that holds the client's secret." env:"TILL_OPENID_SECRET_FILE" placeholder:"FILE" type:"path"`
	OpenidDomain     []string `name:"openid-domain" help:"Mail domain whose people open an account by logging in there: with a verified address, at Google with a workspace of the domain. '*' lets in everybody whom the provider knows. Without it only people come in who were invited or have linked the login to their account." env:"TILL_OPENID_DOMAIN" placeholder:"DOMAIN"`
	OpenidName       string   `name:"openid-name" help:"What the login page calls the provider (default: its host)." env:"TILL_OPENID_NAME" placeholder:"NAME"`
}

// provider is what the flags say, nil if they name none.
func (f openidFlags) provider() (*authz.OpenID, error) {
	if f.OpenidIssuer == "" {
		if f.OpenidClientID != "" || f.OpenidSecretFile != "" || len(f.OpenidDomain) > 0 || f.OpenidName != "" {
			return nil, errors.New("the OpenID provider is not named: give --openid-issuer too")
		}
		return nil, nil
	}
	o := &authz.OpenID{Issuer: f.OpenidIssuer, ClientID: f.OpenidClientID, Name: f.OpenidName, Domains: f.OpenidDomain}
	// Never a flag: every user of a machine may read the command lines of all.
	o.Secret = os.Getenv("TILL_OPENID_SECRET")
	if f.OpenidSecretFile != "" {
		if o.Secret != "" {
			return nil, errors.New("the OpenID client's secret is given twice, in TILL_OPENID_SECRET and as a file: leave one out")
		}
		text, err := os.ReadFile(f.OpenidSecretFile)
		if err != nil {
			return nil, fmt.Errorf("--openid-secret-file cannot be read: %w", err)
		}
		if o.Secret = strings.TrimRight(string(text), "\r\n"); o.Secret == "" {
			return nil, fmt.Errorf("--openid-secret-file: %s is empty", f.OpenidSecretFile)
		}
	}
	return o, nil
}

// checkOpenID looks whether people can log in at the other provider.
func (a *App) checkOpenID(ctx context.Context) (finding, error) {
	c, _ := a.authz.CheckOpenID(ctx)
	f := finding{Check: "login by", State: well, Found: c.Issuer + " can be reached, and what it says of itself is usable"}
	switch {
	case c.Wrong != "":
		f.State, f.Found = wrong, "nobody can log in by "+c.Issuer+": "+c.Wrong
		f.Do = "see that it runs, that this machine reaches it, and that --openid-issuer is what it calls itself; passwords go on"
	case c.Worth != "":
		f.State, f.Found = worth, c.Issuer+": "+c.Worth
		f.Do = "nothing, if people get in; the provider's redirect URI for this shop is " + c.Callback
	}
	return f, nil
}
