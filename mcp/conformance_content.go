//go:build conformance

package mcp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// contentFixtures answer with each kind of content.
func contentFixtures() []fixture {
	text := func(t string) sdk.Content { return &sdk.TextContent{Text: t} }
	picture := &sdk.ImageContent{Data: pixel(), MIMEType: "image/png"}
	return []fixture{
		{name: "test_simple_text", about: "Answers with a text.", run: says(text("This is a simple text response for testing."))},
		{name: "test_image_content", about: "Answers with a picture.", run: says(picture)},
		{name: "test_audio_content", about: "Answers with a sound.", run: says(&sdk.AudioContent{Data: silence(), MIMEType: "audio/wav"})},
		{name: "test_embedded_resource", about: "Answers with a resource.", run: says(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))},
		{name: "test_multiple_content_types", about: "Answers with a text, a picture and a resource.",
			run: says(text("Multiple content types test:"), picture, embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`))},
		{name: "test_error_handling", about: "Always fails.", run: func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			failed := saying("This tool intentionally returns an error for testing")
			failed.IsError = true
			return failed, nil
		}},
	}
}

// addFixtureResources offers a text, a picture, a template, and one to watch.
func addFixtureResources(server *sdk.Server) {
	fixed := func(name string, content sdk.ResourceContents) {
		content.URI = "test://" + name
		server.AddResource(&sdk.Resource{URI: content.URI, Name: name, MIMEType: content.MIMEType, Description: "For the conformance suite."},
			func(context.Context, *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
				return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{&content}}, nil
			})
	}
	fixed("static-text", sdk.ResourceContents{MIMEType: "text/plain", Text: "This is the content of the static text resource."})
	fixed("static-binary", sdk.ResourceContents{MIMEType: "image/png", Blob: pixel()})
	fixed(strings.TrimPrefix(watchedURI, "test://"), sdk.ResourceContents{MIMEType: "text/plain", Text: "It could change at any time."})

	const before, after = "test://template/", "/data"
	server.AddResourceTemplate(&sdk.ResourceTemplate{URITemplate: before + "{id}" + after, Name: "template", MIMEType: "application/json", Description: "For the conformance suite."},
		func(_ context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
			id := strings.TrimSuffix(strings.TrimPrefix(req.Params.URI, before), after)
			return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: req.Params.URI, MIMEType: "application/json",
				Text: string(encode(map[string]any{"id": id, "templateTest": true, "data": "Data for ID: " + id}))}}}, nil
		})
}

// addFixturePrompts offers prompts of each kind of content.
func addFixturePrompts(server *sdk.Server) {
	add := func(name string, arguments []string, messages func(given map[string]string) []sdk.Content) {
		p := &sdk.Prompt{Name: name, Description: "For the conformance suite."}
		for _, a := range arguments {
			p.Arguments = append(p.Arguments, &sdk.PromptArgument{Name: a, Description: "Any text.", Required: true})
		}
		server.AddPrompt(p, func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			r := &sdk.GetPromptResult{}
			for _, c := range messages(req.Params.Arguments) {
				r.Messages = append(r.Messages, &sdk.PromptMessage{Role: "user", Content: c})
			}
			return r, nil
		})
	}
	add("test_simple_prompt", nil, func(map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.TextContent{Text: "This is a simple prompt for testing."}}
	})
	add("test_prompt_with_arguments", []string{"arg1", "arg2"}, func(given map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", given["arg1"], given["arg2"])}}
	})
	add("test_prompt_with_embedded_resource", []string{"resourceUri"}, func(given map[string]string) []sdk.Content {
		return []sdk.Content{embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing."),
			&sdk.TextContent{Text: "Please process the embedded resource above."}}
	})
	add("test_prompt_with_image", nil, func(map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.ImageContent{Data: pixel(), MIMEType: "image/png"}, &sdk.TextContent{Text: "Please analyze the image above."}}
	})
	server.AddPrompt(&sdk.Prompt{Name: "test_input_required_result_prompt", Description: "Asks the person something first."}, contextPrompt)
}

func embedded(uri, mime, text string) sdk.Content {
	return &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: uri, MIMEType: mime, Text: text}}
}

// pixel is a picture of one red dot.
func pixel() []byte {
	dot := image.NewRGBA(image.Rect(0, 0, 1, 1))
	dot.Set(0, 0, color.RGBA{R: 255, A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, dot); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// silence is a WAV file of 16 bits, one channel, 8 kHz, one sample long.
func silence() []byte {
	const rate, width = 8000, 2
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, 36+width)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	for _, v := range []uint16{1, 1} { // PCM, channels
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate*width)
	b = binary.LittleEndian.AppendUint16(b, width)
	b = binary.LittleEndian.AppendUint16(b, 8*width)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, width)
	return append(b, 0, 0)
}
