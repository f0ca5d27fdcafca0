//go:build conformance

package mcp

//lint:file-ignore SA1019 the suite still tries what 2026-07-28 deprecates.

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// legacyQuestions ask in a session of the old era. They ask as one does in the
// new: the SDK turns it into requests to the client.
func legacyQuestions() []fixture {
	answered := func(a answers) (string, bool) {
		e, ok := a["question"].(*sdk.ElicitResult)
		if !ok {
			return "", false
		}
		return fmt.Sprintf("Elicitation completed: action=%s, content=%s", e.Action, encode(e.Content)), true
	}
	argument := func(req *sdk.CallToolRequest, name string) string {
		var given map[string]string
		_ = json.Unmarshal(req.Params.Arguments, &given) // not a text: an empty one
		return given[name]
	}
	return []fixture{
		{name: "test_sampling", about: "Asks the client's model.", schema: oneField("prompt", "string"),
			run: asking(func(req *sdk.CallToolRequest) sdk.InputRequestMap {
				return sdk.InputRequestMap{"question": askModel(argument(req, "prompt"), 100)}
			}, func(a answers) (string, bool) {
				text, ok := a.model("question")
				return "LLM response: " + text, ok
			})},
		{name: "test_elicitation", about: "Asks the person.", schema: oneField("message", "string"),
			run: asking(func(req *sdk.CallToolRequest) sdk.InputRequestMap {
				return sdk.InputRequestMap{"question": form(argument(req, "message"),
					`{"type":"object","properties":{"username":{"type":"string","description":"User's response"},"email":{"type":"string","description":"User's email address"}},"required":["username","email"]}`)}
			}, answered)},
		{name: "test_elicitation_sep1034_defaults", about: "Asks the person with answers filled in.",
			run: asking(always("question", form("Are these right?", `{"type":"object","properties":{
				"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},"score":{"type":"number","default":95.5},
				"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}}`)), answered)},
		{name: "test_elicitation_sep1330_enums", about: "Lets the person choose in every way.",
			run: asking(always("question", form("Which of these?", `{"type":"object","properties":{
				"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
				"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},
				"legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},
				"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
				"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}}`)), answered)},
	}
}

// modernQuestions ask in the answer, without keeping anything in between.
func modernQuestions() []fixture {
	const prefix = "test_input_required_result_"
	all := func(*sdk.CallToolRequest) sdk.InputRequestMap {
		return sdk.InputRequestMap{"user_name": askName(), "greeting": askModel("Generate a greeting", 50), "client_roots": &sdk.ListRootsParams{}}
	}
	return []fixture{
		{name: prefix + "elicitation", about: "Asks the person.", run: asking(always("user_name", askName()), func(a answers) (string, bool) {
			name, _ := a.form("user_name", "name")
			text, ok := name.(string)
			return "Hello, " + text + "!", ok && text != ""
		})},
		{name: prefix + "sampling", about: "Asks the client's model.", run: asking(always("capital_question", askModel("What is the capital of France?", 100)), func(a answers) (string, bool) {
			text, ok := a.model("capital_question")
			return "It says: " + text, ok
		})},
		{name: prefix + "list_roots", about: "Asks for the client's roots.", run: asking(always("client_roots", &sdk.ListRootsParams{}), func(a answers) (string, bool) {
			uris, ok := a.roots("client_roots")
			return fmt.Sprintf("%d roots: %v", len(uris), uris), ok
		})},
		{name: prefix + "capabilities", about: "Asks only what the client can answer.", run: asking(func(req *sdk.CallToolRequest) sdk.InputRequestMap {
			can := req.ClientCapabilities()
			asks := all(req)
			if can == nil || can.Elicitation == nil {
				delete(asks, "user_name")
			}
			if can == nil || can.Sampling == nil {
				delete(asks, "greeting")
			}
			if can == nil || can.RootsV2 == nil {
				delete(asks, "client_roots")
			}
			return asks
		}, func(a answers) (string, bool) { return fmt.Sprintf("%d answers", len(a)), len(a) > 0 })},
	}
}

// stateQuestions give the client their state to keep.
func stateQuestions(seal sealer) []fixture {
	const prefix = "test_input_required_result_"
	confirm := sdk.InputRequestMap{"confirm": form("Please confirm", oneField("ok", "boolean"))}
	// each round gets what was kept and the answers, and says what is kept next and
	// asked, or at the end nothing but a text.
	rounds := func(next func(kept string, a answers) (keep string, ask sdk.InputRequestMap, text string)) sdk.ToolHandler {
		return func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			kept, ok := seal.open(req.Params.RequestState)
			if !ok && req.Params.RequestState != "" {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "requestState is not what this server gave"}
			}
			keep, ask, text := next(kept, answers(req.Params.InputResponses))
			if ask == nil {
				return saying(text), nil
			}
			return &sdk.CallToolResult{InputRequests: ask, RequestState: seal.seal(keep)}, nil
		}
	}
	confirmed := rounds(func(kept string, a answers) (string, sdk.InputRequestMap, string) {
		if _, ok := a.form("confirm", "ok"); ok && kept == "asked" {
			return "", nil, "state-ok"
		}
		return "asked", confirm, ""
	})
	return []fixture{
		{name: prefix + "request_state", about: "Asks for a yes and gives its state away.", run: confirmed},
		{name: prefix + "tampered_state", about: "Takes back only its own state.", run: confirmed},
		{name: prefix + "multiple_inputs", about: "Asks person, model and client at once.",
			run: rounds(func(kept string, a answers) (string, sdk.InputRequestMap, string) {
				name, named := a.form("user_name", "name")
				greeting, greeted := a.model("greeting")
				uris, rooted := a.roots("client_roots")
				if kept == "asked" && named && greeted && rooted {
					return "", nil, fmt.Sprintf("%s, %v: %v", greeting, name, uris)
				}
				return "asked", sdk.InputRequestMap{"user_name": askName(), "greeting": askModel("Generate a greeting", 50), "client_roots": &sdk.ListRootsParams{}}, ""
			})},
		{name: prefix + "multi_round", about: "Asks twice.", run: rounds(func(kept string, a answers) (string, sdk.InputRequestMap, string) {
			name, named := a.form("step1", "name")
			colour, coloured := a.form("step2", "color")
			switch {
			case coloured && kept != "":
				return "", nil, fmt.Sprintf("%s likes %v", kept, colour)
			case named && kept == "first":
				return fmt.Sprint(name), sdk.InputRequestMap{"step2": form("Step 2: What is your favorite color?", oneField("color", "string"))}, ""
			}
			return "first", sdk.InputRequestMap{"step1": form("Step 1: What is your name?", oneField("name", "string"))}, ""
		})},
	}
}
