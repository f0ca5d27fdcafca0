//go:build !conformance

package mcp

import (
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
)

// A shop has nothing of what the official conformance suite calls: only a program
// built with -tags conformance has, see conformance.go.
func (s *Server) fixtureOptions(*sdk.ServerOptions) {}

func (s *Server) addFixtures(*sdk.Server) {}

func (c *call) fixtureStreams(uri string) ([]eventlog.Stream, error) {
	return nil, missingResource(uri)
}
