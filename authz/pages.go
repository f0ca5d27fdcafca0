package authz

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"time"
)

//go:embed pages/*.html pages/style.css pages/passkey.js
var pageFiles embed.FS

// pages are the server's HTML pages: nothing from elsewhere, and one script,
// without which browsers offer no passkeys and every page works all the same.
type pages struct {
	by     map[string]*template.Template
	policy string // Content-Security-Policy without form-action
	script string // the script's source in the policy of the pages that have it
}

// frame is what every page's data begins with.
type frame struct {
	Title string
	// anyForm leaves form-action out of the page's policy: Chromium applies it
	// to the redirect that answers the form, and the consent page's leads to
	// the client.
	anyForm bool
	// scripted lets the page have the script for passkeys.
	scripted bool
}

func (f frame) needs() (openForm, script bool) { return f.anyForm, f.scripted }

func newPages() (*pages, error) {
	css, err1 := pageFiles.ReadFile("pages/style.css")
	js, err2 := pageFiles.ReadFile("pages/passkey.js")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p := &pages{by: map[string]*template.Template{}, script: source(js)}
	for _, name := range []string{"login", "consent", "connections", "home", "problem", "setup", "approve", "passkeys"} {
		t := template.New("frame.html").Funcs(template.FuncMap{
			"style":  func() template.CSS { return template.CSS(css) },
			"script": func() template.HTML { return template.HTML("<script>" + string(js) + "</script>") },
		})
		var err error
		if p.by[name], err = t.ParseFS(pageFiles, "pages/frame.html", "pages/rules.html", "pages/"+name+".html"); err != nil {
			return nil, err
		}
	}
	p.policy = "default-src 'none'; style-src " + source(css) + "; img-src data:; frame-ancestors 'none'; base-uri 'none'"
	return p, nil
}

// source names a text in a Content-Security-Policy: that one and no other.
func source(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// show renders a page with the headers that keep it to itself.
func (s *Server) show(w http.ResponseWriter, status int, name string, data interface {
	needs() (openForm, script bool)
}) error {
	var body bytes.Buffer
	if err := s.pages.by[name].Execute(&body, data); err != nil {
		return err
	}
	policy := s.pages.policy
	openForm, script := data.needs()
	if !openForm {
		policy += "; form-action 'self'"
	}
	if script {
		policy += "; script-src " + s.pages.script
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body.Bytes())
	return nil
}

// pageError is an error that a person sees, with what to do about it.
type pageError struct {
	status            int
	title, text, hint string
	after             time.Duration
	back              string // the page to go on from; empty: none
}

func (e *pageError) Error() string { return "authz: " + e.title }

// problemPage is what an error page shows.
type problemPage struct {
	frame
	Text, Hint, Back, Reference string
}

// page makes a handler of one that returns an error: a redirect to the client
// once it is proven, a page for the person before that.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		var back *errorRedirect
		if errors.As(err, &back) {
			redirectBack(w, back.redirect, "error", back.Code, "error_description", back.Description, "state", back.state, "iss", back.issuer)
			return
		}
		var shown *pageError
		if !errors.As(err, &shown) {
			no := s.answer(r, err)
			shown = &pageError{status: no.status, title: "That did not work", text: no.Description, hint: "Wait a moment, then go back and try again.", after: no.after}
			if no.status == 429 {
				shown.title, shown.text = "Too many requests", "They come from your network faster than the shop answers."
			}
		}
		ref := random(6)
		s.cfg.Logger.Info("a person saw an error page", "path", r.URL.Path, "status", shown.status, "title", shown.title, "reference", ref)
		retryAfter(w, shown.after)
		s.show(w, shown.status, "problem", problemPage{frame{Title: shown.title}, shown.text, shown.hint, shown.back, ref})
	})
}
