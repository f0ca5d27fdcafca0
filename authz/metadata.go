package authz

import (
	"net/http"
	"strings"

	"till/domain/grant"
)

// serverDocument is the authorization server's metadata (RFC 8414 section 2).
// It has no optional member that could be null: some clients refuse that.
type serverDocument struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	ScopesSupported       []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	ClientDocuments       bool     `json:"client_id_metadata_document_supported"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"`
}

// resourceDocument is the MCP endpoint's metadata (RFC 9728 section 2).
type resourceDocument struct {
	Resource             string   `json:"resource"`
	ResourceName         string   `json:"resource_name"`
	AuthorizationServers []string `json:"authorization_servers"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	// ScopesSupported is what a client asks for that has seen no challenge:
	// what shopping needs. Neither shop:admin nor offline_access.
	ScopesSupported []string `json:"scopes_supported"`
}

// offline is asked for by clients that want refresh tokens. All get them who
// can use them, so it is accepted and means nothing (oauth.md section 3).
const offline = "offline_access"

type documents struct {
	server   serverDocument
	resource resourceDocument
}

// metadata holds each site's documents by its host.
type metadata map[string]documents

func newMetadata(all sites) metadata {
	m := metadata{}
	for host, at := range all.all {
		m[host] = documents{
			server: serverDocument{
				Issuer:                at.issuer,
				AuthorizationEndpoint: at.issuer + "/authorize",
				TokenEndpoint:         at.issuer + "/token",
				RegistrationEndpoint:  at.issuer + "/register",
				RevocationEndpoint:    at.issuer + "/revoke",
				ScopesSupported:       append(grant.Scopes(), offline),
				ResponseTypes:         []string{"code"},
				ResponseModes:         []string{"query"},
				GrantTypes:            []string{"authorization_code", "refresh_token"},
				TokenAuthMethods:      []string{"none"},
				RevocationAuthMethods: []string{"none"},
				ChallengeMethods:      []string{"S256"},
				ClientDocuments:       true,
				IssParameter:          true,
			},
			resource: resourceDocument{
				Resource:             at.resource,
				ResourceName:         "Till shop",
				AuthorizationServers: []string{at.issuer},
				BearerMethods:        []string{"header"},
				ScopesSupported:      grant.Shopping(),
			},
		}
	}
	return m
}

// wellKnown serves the documents at the root and at the /mcp suffix, and the
// server's also under OpenID's name, since clients try all of these. What we
// do not have is a JSON 404, so that they go on.
func (s *Server) wellKnown(w http.ResponseWriter, r *http.Request) {
	at, _ := s.sites.of(r)
	d := s.metadata[at.host]
	var doc any
	switch strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/.well-known/"), "/mcp") {
	case "oauth-authorization-server", "openid-configuration":
		doc = d.server
	case "oauth-protected-resource":
		doc = d.resource
	default:
		writeJSON(w, http.StatusNotFound, wireError{"not_found", "There is no such document. The authorization server's metadata is at " + at.issuer + "/.well-known/oauth-authorization-server."})
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		writeJSON(w, http.StatusMethodNotAllowed, wireError{"invalid_request", "Use GET here."})
		return
	}
	writeJSON(w, http.StatusOK, doc)
}
