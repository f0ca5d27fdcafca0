package cmd

import (
	"context"
	"net/http"
)

// endStreams lets the streams that clients of the old era hold open with GET
// end with stopping: a server that shuts down waits for every request, and
// these end only when their client goes. Calls (POST) are not touched.
func endStreams(stopping context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(stopping, cancel)()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}
