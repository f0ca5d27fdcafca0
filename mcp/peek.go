package mcp

import (
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep a message may nest. Ours nest 5 levels.
const maxDepth = 64

// peeked is what can be seen of a message without decoding it.
type peeked struct {
	version, method, name, uri string
	id                         json.RawMessage // as it was sent; nil for none
	wants                      json.RawMessage // what params name as notifications
	cancels                    json.RawMessage // which request a notice names; nil for none
	params                     byte            // what params begin with; 0 for none
	follows                    bool            // wants to be told while it is served
	deep                       bool            // nests beyond maxDepth
	twice                      bool            // names its method or its target twice
	odd                        bool            // says another thing twice, or answers a question
	arguments                  json.RawMessage // of a call; nil for none
	// What _meta says of who calls, nil for nothing.
	metaVersion, capabilities, clientInfo json.RawMessage
}

// peek reads the method and the target of a JSON-RPC message. It looks at exact
// names only, like the SDK: encoding/json also takes "METHOD" for the method,
// and a check that reads another name than the one that runs is no check. The
// body must be valid JSON.
func peek(body []byte) peeked {
	var p peeked
	s := scanner{body: body}
	s.object(func(key string) {
		switch key {
		case "jsonrpc":
			p.odd = p.odd || p.version != ""
			p.version = s.text()
		case "method":
			p.twice = p.twice || p.method != ""
			p.method = s.text()
		case "id":
			p.odd = p.odd || p.id != nil
			p.id = s.value()
		case "params":
			p.odd = p.odd || p.params != 0
			if s.space(); s.at < len(s.body) {
				p.params = s.body[s.at]
			}
			s.object(func(key string) {
				switch key {
				case "name":
					p.twice = p.twice || p.name != ""
					p.name = s.text()
				case "uri":
					p.twice = p.twice || p.uri != ""
					p.uri = s.text()
				case "notifications":
					p.wants = s.value()
				case "requestId":
					p.cancels = s.value()
				case "arguments":
					p.odd = p.odd || p.arguments != nil
					p.arguments = s.value()
				case "inputResponses", "requestState":
					p.odd = true
					s.value()
				case "_meta":
					if s.space(); s.at < len(s.body) && s.body[s.at] != '{' {
						p.odd = true
					}
					s.object(func(key string) {
						p.follows = p.follows || key == "progressToken" || key == "io.modelcontextprotocol/logLevel"
						value := s.value()
						switch key {
						case "io.modelcontextprotocol/protocolVersion":
							p.odd = p.odd || p.metaVersion != nil
							p.metaVersion = value
						case "io.modelcontextprotocol/clientCapabilities":
							p.odd = p.odd || p.capabilities != nil
							p.capabilities = value
						case "io.modelcontextprotocol/clientInfo":
							p.odd = p.odd || p.clientInfo != nil
							p.clientInfo = value
						}
					})
				default:
					s.value()
				}
			})
		default:
			s.value()
		}
	})
	p.deep = s.deep
	return p
}

// scanner walks over valid JSON.
type scanner struct {
	body  []byte
	at    int
	depth int
	deep  bool
}

func (s *scanner) space() {
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// object calls member at each value of an object; member must consume it. Any
// other value is skipped.
func (s *scanner) object(member func(key string)) {
	s.space()
	if s.at >= len(s.body) || s.body[s.at] != '{' {
		s.value()
		return
	}
	s.at++
	s.depth++
	defer func() { s.depth-- }()
	for {
		s.space()
		if s.at >= len(s.body) {
			return
		}
		switch s.body[s.at] {
		case '}':
			s.at++
			return
		case ',':
			s.at++
		case '"':
			key := s.text()
			s.space()
			if s.at < len(s.body) {
				s.at++ // the colon
			}
			member(key)
		default:
			return
		}
	}
}

// text reads a string, or skips another value and returns "".
func (s *scanner) text() string {
	raw := s.value()
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	for _, c := range raw {
		if c == '\\' || c >= utf8.RuneSelf {
			var word string
			_ = json.Unmarshal(raw, &word)
			return word
		}
	}
	return string(raw[1 : len(raw)-1])
}

// value skips a value and returns it.
func (s *scanner) value() json.RawMessage {
	s.space()
	start, open := s.at, 0
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case '"':
			s.quoted()
			if open == 0 {
				return s.body[start:s.at]
			}
			continue
		case '{', '[':
			open++
			s.deep = s.deep || s.depth+open > maxDepth
		case '}', ']':
			if open == 0 {
				return s.body[start:s.at] // the end of what holds a number
			}
			if open--; open == 0 {
				s.at++
				return s.body[start:s.at]
			}
		case ',', ' ', '\t', '\n', '\r':
			if open == 0 {
				return s.body[start:s.at]
			}
		}
		s.at++
	}
	return s.body[start:s.at]
}

// quoted skips a string.
func (s *scanner) quoted() {
	for s.at++; s.at < len(s.body); s.at++ {
		switch s.body[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.at = min(s.at, len(s.body)) // a text without an end
}
