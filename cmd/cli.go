// Package cmd is the program: it knows every part of the shop and joins them.
// It holds no rule of the shop itself.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. A flag wins over its environment variable, which
// wins over the default.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Start the shop."`
	Demo    demoCmd    `cmd:"" help:"Watch an agent log in, shop and look up its order, call by call."`
	Login   loginCmd   `cmd:"" help:"Log in as a person would and print an access token."`
	User    userCmd    `cmd:"" help:"Who has an account, and who gets one."`
	Catalog catalogCmd `cmd:"" help:"The catalogue."`
	Code    codeCmd    `cmd:"" help:"Discount codes."`
	Order   orderCmd   `cmd:"" help:"See, send and cancel orders, and answer returns."`
	Events  eventsCmd  `cmd:"" help:"List or follow what happened."`
	Show    showCmd    `cmd:"" help:"Show a cart, an order, a stock … as it is or was."`
	Why     whyCmd     `cmd:"" help:"Tell where an order or a line of a cart comes from."`
	Diff    diffCmd    `cmd:"" help:"What changed between two moments, view by view."`
	Replay  replayCmd  `cmd:"" help:"What a user's views said at a moment, or walk through their history event by event."`
	Whatif  whatifCmd  `cmd:"" help:"Think an event away or others in, and see what would be otherwise."`
	Rebuild rebuildCmd `cmd:"" help:"Build the views anew from the log, or verify them, while the shop serves."`

	Doctor     doctorCmd     `cmd:"" help:"Look whether all is well with a shop, and what to do where it is not."`
	Quarantine quarantineCmd `cmd:"" help:"What is set aside, since an event of it cannot be folded."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	Backup  backupCmd    `cmd:"" help:"Keep the whole shop in one file, also while it runs."`
	Restore restoreCmd   `cmd:"" help:"Bring a shop back from a backup, into an empty folder."`
	Export  exportCmd    `cmd:"" help:"Write the log as JSON Lines, to be read or taken elsewhere."`
	Import  importLogCmd `cmd:"" help:"Make a new shop with the log that till export wrote (products: till catalog import)."`
	Secret  secretCmd    `cmd:"" help:"The secret from which the shop's keys follow."`
	Forget  forgetCmd    `cmd:"" help:"Forget a person for good: name, password and agents."`

	Short kong.VersionFlag `name:"version" help:"Print the version."`
	Help  helpCmd          `cmd:"" help:"Show this help."`
}

// dataFlag is the folder of a shop; every command that looks at one has it.
type dataFlag struct {
	Data string `help:"Data folder of the shop (default: ${data})." env:"TILL_DATA" placeholder:"FOLDER"`
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// errSaid ends a command that has already said what is wrong.
var errSaid = errors.New("said")

// Main runs the program and returns its exit code: 0 when it did what was
// asked, 1 when it could not, 2 when the command line makes no sense.
func Main(args []string, in io.Reader, out, errs io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Who reads along may leave (till demo | head); what was begun is tidied up.
	signal.Ignore(syscall.SIGPIPE)
	return run(ctx, args, terminal{in, out, errs})
}

func run(ctx context.Context, args []string, t terminal) int {
	exit := -1
	parser, err := newParser(ctx, t, func(code int) { exit = code })
	if err != nil {
		fmt.Fprintln(t.err, "till:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"help"}
	}
	parsed, err := parser.Parse(ages(args))
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(t.err, "till: %v; see till help\n", err)
		return 2
	}
	if err := parsed.Run(parser); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(t.err, "till:", sentence(err))
		}
		return 1
	}
	return 0
}

// newParser reads the command line. It calls exit where that already says all:
// after a help.
func newParser(ctx context.Context, t terminal, exit func(code int)) (*kong.Kong, error) {
	data, err := DefaultFolder()
	if err != nil {
		data = "none: name one"
	}
	return kong.New(new(cli),
		kong.Name("till"),
		kong.Description("An event-sourced shop for AI agents: one program, one folder."),
		kong.Writers(t.out, t.err),
		kong.Exit(exit),
		kong.Vars{"data": data, "shopping": shopping, "version": versionLine()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.WithHyphenPrefixedParameters(true), // -15m is a moment
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
}

// Understood is the error of a command line that this program does not take, nil
// for one that it does. It runs nothing.
func Understood(args []string) error {
	parser, err := newParser(context.Background(), terminal{strings.NewReader(""), io.Discard, io.Discard}, func(int) {})
	if err == nil {
		_, err = parser.Parse(ages(args))
	}
	return err
}

// ages marks the arguments that say how long ago ("-15m"), which would be taken
// for flags: none begins with a digit.
func ages(args []string) []string {
	marked := slices.Clone(args)
	for i, a := range marked {
		if len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9' {
			marked[i] = " " + a // moments are read without blanks around them
		}
	}
	return marked
}

// sentence is an error as a person reads it: without the names of packages.
func sentence(err error) string {
	s := err.Error()
	for _, pkg := range []string{"eventlog: ", "catalog: ", "projections: ", "checkout: ", "promotion: ", "order: ", "aftersale: ", "authz: "} {
		s = strings.ReplaceAll(s, pkg, "")
	}
	return s
}

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

// Run prints the help of a command. Parsing ends there, with whatever it lacks
// for running; only a command that does not exist is an error.
func (h helpCmd) Run(parser *kong.Kong) error {
	shown := false
	parser.Exit = func(int) { shown = true }
	_, err := parser.Parse(append(h.Command, "--help"))
	if shown {
		return nil
	}
	return err
}
