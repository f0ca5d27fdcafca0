package catalog

import (
	"html"
	"strings"
	"unicode"
)

// plainText is what a person reads of a piece of HTML: tags become line breaks
// or nothing, list items a dash, scripts and styles vanish, entities are
// resolved. It is made for product descriptions and promises nothing about
// HTML at large; whoever shows the text must escape it like any other.
func plainText(markup string) string {
	var b strings.Builder
	for len(markup) > 0 {
		open := strings.IndexByte(markup, '<')
		if open < 0 {
			b.WriteString(markup)
			break
		}
		b.WriteString(markup[:open])
		markup = markup[open:]
		if !startsTag(markup) { // "5 < 6"
			b.WriteByte('<')
			markup = markup[1:]
			continue
		}
		if strings.HasPrefix(markup, "<!--") {
			_, markup, _ = strings.Cut(markup, "-->")
			continue
		}
		name, rest := cutTag(markup)
		markup = rest
		switch name {
		case "script", "style":
			markup = afterEnd(markup, name)
		case "li":
			b.WriteString("\n- ")
		case "br", "p", "/p", "div", "/div", "ul", "/ul", "ol", "/ol", "tr", "/tr",
			"h1", "/h1", "h2", "/h2", "h3", "/h3", "h4", "/h4", "h5", "/h5", "h6", "/h6":
			b.WriteByte('\n')
		case "td", "th":
			b.WriteByte(' ')
		}
	}
	return tidy(html.UnescapeString(b.String()))
}

func startsTag(s string) bool {
	if len(s) < 2 {
		return false
	}
	c := s[1] | 0x20
	return c >= 'a' && c <= 'z' || s[1] == '/' || s[1] == '!' || s[1] == '?'
}

// cutTag splits "<p class=x>rest" into "p" and "rest". A ">" in quotes does not
// end the tag, unless the quote itself has no end.
func cutTag(s string) (name, rest string) {
	end := tagEnd(s)
	if end < 0 {
		end = strings.IndexByte(s, '>')
	}
	if end < 0 {
		end = len(s)
	}
	name = s[1:end]
	if i := strings.IndexFunc(name[min(1, len(name)):], func(r rune) bool { return unicode.IsSpace(r) || r == '/' }); i >= 0 {
		name = name[:i+1]
	}
	return strings.ToLower(name), s[min(end+1, len(s)):]
}

func tagEnd(s string) int {
	var quote byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// afterEnd is what follows the end tag of a script or style.
func afterEnd(s, name string) string {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '<' && s[i+1] == '/' && len(s) >= i+2+len(name) && strings.EqualFold(s[i+2:i+2+len(name)], name) {
			_, rest := cutTag(s[i:])
			return rest
		}
	}
	return ""
}

// tidy gives each line single spaces and leaves no empty line.
func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case unicode.IsControl(r), hidden(r):
				return -1
			}
			return r
		}, line)
		if line = strings.Join(strings.Fields(line), " "); line != "" && line != "-" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
