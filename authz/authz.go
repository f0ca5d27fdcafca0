// Package authz is the shop's OAuth 2.1 authorization server and the check
// that stands before its MCP endpoint: people log in, consent and disconnect
// here, and agents get, renew and lose their tokens. It does not know MCP: what
// a call needs is told to it as a list of scopes.
package authz
