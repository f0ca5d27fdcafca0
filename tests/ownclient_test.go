package tests

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// ownClient is what docs/own-client.md tells the reader to write.
func ownClient(ctx context.Context, out io.Writer) error {
	client := sdk.NewClient(&sdk.Implementation{Name: "my-agent", Version: "1"}, nil)
	session, err := client.Connect(ctx, &sdk.CommandTransport{Command: exec.Command("till", "serve", "--stdio", "--user", "alice")}, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "add_to_cart", Arguments: map[string]any{"product": "catnip-mouse"}})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, result.Content[0].(*sdk.TextContent).Text)
	return nil
}

func TestOwnClient(t *testing.T) {
	for name, value := range asTill(t) {
		t.Setenv(name, value)
	}
	var out strings.Builder
	if err := ownClient(t.Context(), &out); err != nil || !strings.Contains(out.String(), "Catnip Mouse") {
		t.Errorf("it ends with %v: %s", err, &out)
	}
}

// asTill is an environment in which this test is the program till, on a folder of
// its own.
func asTill(t *testing.T) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, bin+"/till"); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		programEnv: "1", "TILL_DATA": t.TempDir() + "/shop",
		"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
}
