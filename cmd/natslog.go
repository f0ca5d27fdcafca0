package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// natsLog passes the server's words on to the program's log. The server's
// Fatalf expects the process to end; here it only fails the start.
type natsLog struct {
	log     *slog.Logger
	trouble chan string // what is wrong, or nothing: the server has said something

	mu    sync.Mutex
	fatal chan<- string // of the present start
}

func (l *natsLog) begin(fatal chan<- string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = fatal
}

func (l *natsLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *natsLog) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Tracef(format string, v ...any)  {}

// Errorf may be called under the server's locks: the keeper looks, not this.
func (l *natsLog) Errorf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	select {
	case l.trouble <- "":
	default:
	}
}

func (l *natsLog) Fatalf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

func (l *natsLog) write(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, fmt.Sprintf(format, v...), "from", "nats")
	}
}
