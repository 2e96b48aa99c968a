// Package diagnose finds code that types do not show to differ with execx.
//
// Its [Analyzer] reports on what uses os/exec as on what uses execx already, so it can be asked
// before a swap and after. It runs in execxfix -diagnose, by go vet -vettool=$(which execxfix), and
// in editors.
package diagnose

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// Analyzer reports what differs.
var Analyzer = &analysis.Analyzer{
	Name: "execx",
	Doc:  "report code that behaves differently with execx than with os/exec",
	URL:  "https://go.execx.dev",
	Run:  run,
}

// What is said of each kind.
const (
	reaper   = "reaps children of others, execx's too, and hands out their statuses by number: this package is to stay with os/exec; to reap orphans only, there is execx.ReapAdopted"
	waits    = "reaps a child by its number: if it is one of execx, whose methods reap when they are called and Close in the background, leave the waiting to one of both"
	sigchld  = "a handler of SIGCHLD may find that Wait has reaped a child already: wait for commands with execx alone, and for orphans with execx.ReapAdopted"
	ignored  = "while SIGCHLD is ignored, statuses are lost but on Linux 6.15 and later, and Wait fails as under os/exec: do not ignore it"
	tracer   = "traces processes, which execx leaves to their tracer: this package is to stay with os/exec"
	replaced = "execx waits for the Process that a method finds when it is called: replace it before anything waits for the command"
	pidAlone = "once the Cmd and its Process are garbage, execx reaps the process a second after its end, and its number may be another's: keep the Cmd"
	sysErr   = "execx returns another error here, where the kernel tells the status of a process that others have reaped: use errors.As, and expect no error as well"
	osFile   = "the pipe of an execx.Cmd is no *os.File: assert an interface with the methods that are needed, SetReadDeadline say"
	copied   = "an execx.Cmd must not be copied: make another with the same fields, or copy its embedded exec.Cmd before Start"
	rewait   = "each Wait of an execx.Cmd returns the same result, so a loop until it fails may not end: wait once"
)

type checker struct {
	pass *analysis.Pass
	info *types.Info
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{pass, pass.TypesInfo}
	inspect := inspector.New(pass.Files)
	inspect.WithStack(nil, func(n ast.Node, push bool, stack []ast.Node) bool {
		if !push {
			return false
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			c.call(n, stack)
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				c.assigned(lhs)
			}
			for _, rhs := range n.Rhs {
				c.copy(rhs)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Ptrace" && c.isPtrace(key) && !c.isFalse(n.Value) {
				c.pass.Reportf(n.Pos(), tracer)
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				c.copy(e)
			}
		case *ast.RangeStmt:
			if n.Value != nil && isCmd(c.info.TypeOf(n.Value)) {
				c.pass.Reportf(n.Value.Pos(), copied)
			}
		case *ast.FuncDecl:
			c.function(n.Type, n.Body)
		case *ast.FuncLit:
			c.function(n.Type, n.Body)
		}
		return true
	})
	return nil, nil
}

// isCmd reports whether t is the Cmd of os/exec or of execx.
func isCmd(t types.Type) bool {
	if t == nil {
		return false
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Name() != "Cmd" || n.Obj().Pkg() == nil {
		return false
	}
	path := n.Obj().Pkg().Path()
	return path == "os/exec" || path == "go.execx.dev/execx"
}

func isCmdOrPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	return isCmd(t)
}

// method returns the command and the method of a call to one of a Cmd.
func (c *checker) method(call *ast.CallExpr) (cmd ast.Expr, name string) {
	sel, ok := astutil.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil, ""
	}
	f, ok := typeutil.Callee(c.info, call).(*types.Func)
	if !ok || f.Signature().Recv() == nil || !isCmdOrPointer(f.Signature().Recv().Type()) {
		return nil, ""
	}
	return sel.X, f.Name()
}

func (c *checker) call(n *ast.CallExpr, stack []ast.Node) {
	for _, arg := range n.Args {
		c.copy(arg)
	}
	if _, name := c.method(n); name == "Wait" {
		c.waitInLoop(n, stack)
		return
	}
	f, ok := typeutil.Callee(c.info, n).(*types.Func)
	if !ok || f.Pkg() == nil {
		return
	}
	switch path := f.Pkg().Path(); path {
	case "syscall", "golang.org/x/sys/unix":
		c.systemCall(n, f.Name())
	case "os/signal":
		for _, arg := range n.Args {
			if !c.isSIGCHLD(arg) {
				continue
			}
			if f.Name() == "Ignore" {
				c.pass.Reportf(n.Pos(), ignored)
			} else if f.Name() != "Reset" {
				c.pass.Reportf(n.Pos(), sigchld)
			}
		}
	}
}

func (c *checker) systemCall(n *ast.CallExpr, name string) {
	switch {
	case strings.HasPrefix(name, "Ptrace"):
		c.pass.Reportf(n.Pos(), tracer)
	case name == "Wait4" || name == "Waitid":
		if c.ofAll(n, name) {
			c.pass.Reportf(n.Pos(), "%s "+reaper, name)
		} else {
			c.pass.Reportf(n.Pos(), "%s "+waits, name)
		}
	case strings.HasSuffix(name, "yscall") || strings.HasSuffix(name, "yscall6"):
		if len(n.Args) == 0 {
			return
		}
		sel, ok := astutil.Unparen(n.Args[0]).(*ast.SelectorExpr)
		if !ok {
			return
		}
		switch sel.Sel.Name {
		case "SYS_PTRACE":
			c.pass.Reportf(n.Pos(), tracer)
		case "SYS_WAIT4":
			if len(n.Args) > 1 && c.isMinusOne(n.Args[1]) {
				c.pass.Reportf(n.Pos(), "wait4 "+reaper)
			} else {
				c.pass.Reportf(n.Pos(), "wait4 "+waits)
			}
		case "SYS_WAITID":
			c.pass.Reportf(n.Pos(), "waitid "+waits)
		}
	}
}

// ofAll reports whether a call waits for whichever child ends first.
func (c *checker) ofAll(n *ast.CallExpr, name string) bool {
	if len(n.Args) == 0 {
		return false
	}
	if name == "Wait4" {
		return c.isMinusOne(n.Args[0])
	}
	sel, ok := astutil.Unparen(n.Args[0]).(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "P_ALL"
}

func (c *checker) isMinusOne(e ast.Expr) bool {
	v := c.info.Types[e].Value
	if v == nil {
		if call, ok := astutil.Unparen(e).(*ast.CallExpr); ok && len(call.Args) == 1 {
			return c.isMinusOne(call.Args[0])
		}
		return false
	}
	i, ok := constant.Int64Val(constant.ToInt(v))
	return ok && i == -1
}

func (c *checker) isFalse(e ast.Expr) bool {
	v := c.info.Types[e].Value
	return v != nil && v.Kind() == constant.Bool && !constant.BoolVal(v)
}

func (c *checker) isSIGCHLD(e ast.Expr) bool {
	sel, ok := astutil.Unparen(e).(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "SIGCHLD" || sel.Sel.Name == "SIGCLD")
}

// isPtrace reports whether id is the field of syscall.SysProcAttr.
func (c *checker) isPtrace(id *ast.Ident) bool {
	v, ok := c.info.Uses[id].(*types.Var)
	return ok && v.IsField() && v.Name() == "Ptrace" && v.Pkg() != nil && v.Pkg().Path() == "syscall"
}

// assigned looks at what is assigned to.
func (c *checker) assigned(lhs ast.Expr) {
	sel, ok := astutil.Unparen(lhs).(*ast.SelectorExpr)
	if !ok {
		return
	}
	if c.isPtrace(sel.Sel) {
		c.pass.Reportf(lhs.Pos(), tracer)
	}
	v, ok := c.info.Uses[sel.Sel].(*types.Var)
	if ok && v.IsField() && v.Name() == "Process" && v.Pkg() != nil && v.Pkg().Path() == "os/exec" {
		c.pass.Reportf(lhs.Pos(), replaced)
	}
}

// copy reports a Cmd that is used as a value, and was not made just there.
func (c *checker) copy(e ast.Expr) {
	e = astutil.Unparen(e)
	tv := c.info.Types[e]
	if !tv.IsValue() || !isCmd(tv.Type) {
		return
	}
	switch e.(type) {
	case *ast.CompositeLit, *ast.CallExpr:
		return
	}
	c.pass.Reportf(e.Pos(), copied)
}
