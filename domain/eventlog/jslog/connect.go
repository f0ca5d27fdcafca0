package jslog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

// InProcess is a NATS server in this process; nats-server's *Server is one.
type InProcess interface {
	InProcessConn() (net.Conn, error)
}

// Conn is a connection to the log's server.
type Conn = nats.Conn

// ConnectInProcess connects to a server in this process, without a socket.
func ConnectInProcess(ctx context.Context, server InProcess) (*nats.Conn, error) {
	return connect(ctx, nats.DefaultURL, nats.InProcessServer(server))
}

// Connect connects to a NATS server or cluster: "nats://a:4222,nats://b:4222".
// credentials names a NATS credentials file, or is empty. It returns
// ErrUnavailable when no server answers.
func Connect(ctx context.Context, urls, credentials string) (*nats.Conn, error) {
	if credentials == "" {
		return connect(ctx, urls)
	}
	return connect(ctx, urls, nats.UserCredentials(credentials))
}

func connect(ctx context.Context, urls string, extra ...nats.Option) (*nats.Conn, error) {
	opts := append([]nats.Option{
		nats.Name("till"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		// What is published while the server is away must fail now, not be
		// sent a minute later when its caller has long been told no.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(20 * time.Second),
		nats.Timeout(5 * time.Second),
	}, extra...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nc, err := nats.Connect(urls, opts...)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return nil, fmt.Errorf("%w: the NATS server refuses the credentials", eventlog.ErrUnavailable)
	case err != nil:
		return nil, fmt.Errorf("%w: no NATS server answers (%w)", eventlog.ErrUnavailable, err)
	}
	return nc, nil
}
