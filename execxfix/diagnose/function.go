package diagnose

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

// function checks a function. It follows the values of its variables back by one assignment.
func (c *checker) function(typ *ast.FuncType, body *ast.BlockStmt) {
	if typ.Params != nil {
		for _, p := range typ.Params.List {
			if isCmd(c.info.TypeOf(p.Type)) {
				c.pass.Reportf(p.Type.Pos(), copied)
			}
		}
	}
	if body == nil {
		return
	}
	from := make(map[types.Object]string) // variables set by a method of a Cmd, and its name
	inspectBody(body, func(n ast.Node) {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Rhs) != 1 {
			return
		}
		call, ok := astutil.Unparen(a.Rhs[0]).(*ast.CallExpr)
		if !ok {
			return
		}
		_, method := c.method(call)
		for _, lhs := range a.Lhs {
			if id, ok := lhs.(*ast.Ident); ok && method != "" {
				if obj := c.info.ObjectOf(id); obj != nil && !(isError(obj.Type()) && len(a.Lhs) > 1) {
					from[obj] = method
				}
			}
		}
	})
	inspectBody(body, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.TypeAssertExpr:
			if n.Type != nil {
				c.asserted(n.Pos(), n.X, n.Type, from)
			}
		case *ast.TypeSwitchStmt:
			x := typeSwitchOperand(n)
			for _, clause := range n.Body.List {
				for _, t := range clause.(*ast.CaseClause).List {
					c.asserted(t.Pos(), x, t, from)
				}
			}
		}
	})
	c.pids(body)
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// inspectBody calls f for each node of a function body, except those in function literals.
func inspectBody(body *ast.BlockStmt, f func(ast.Node)) {
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if n != nil {
			f(n)
		}
		return true
	})
}

// typeSwitchOperand returns the expression whose type the switch examines.
func typeSwitchOperand(n *ast.TypeSwitchStmt) ast.Expr {
	var e ast.Expr
	switch s := n.Assign.(type) {
	case *ast.AssignStmt:
		e = s.Rhs[0]
	case *ast.ExprStmt:
		e = s.X
	}
	if t, ok := e.(*ast.TypeAssertExpr); ok {
		return t.X
	}
	return nil
}

// asserted reports an assertion of x to typ that may fail with execx.
func (c *checker) asserted(pos token.Pos, x, typ ast.Expr, from map[types.Object]string) {
	method := ""
	switch x := astutil.Unparen(x).(type) {
	case *ast.Ident:
		method = from[c.info.ObjectOf(x)]
	case *ast.CallExpr:
		_, method = c.method(x)
	}
	switch types.TypeString(c.info.TypeOf(typ), nil) {
	case "*os.File":
		if method == "StdoutPipe" || method == "StderrPipe" {
			c.pass.Reportf(pos, osFile)
		}
	case "*os.SyscallError":
		if method == "Wait" || method == "Run" {
			c.pass.Reportf(pos, syscallError)
		}
	}
}

// pids reports each local Cmd of which the function keeps only the PID.
func (c *checker) pids(body *ast.BlockStmt) {
	type command struct {
		pid     token.Pos
		started bool
		kept    bool // the command is used in another way
	}
	commands := make(map[types.Object]*command)
	ast.Inspect(body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && len(a.Lhs) == 1 && len(a.Rhs) == 1 {
			id, ok := a.Lhs[0].(*ast.Ident)
			call, isCall := astutil.Unparen(a.Rhs[0]).(*ast.CallExpr)
			if ok && isCall && isCmdOrPointer(c.info.TypeOf(call)) && c.info.Defs[id] != nil {
				commands[c.info.Defs[id]] = &command{}
			}
		}
		return true
	})
	if len(commands) == 0 {
		return
	}
	seen := make(map[*ast.Ident]bool)
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if inner, ok := astutil.Unparen(n.X).(*ast.SelectorExpr); ok && n.Sel.Name == "Pid" && inner.Sel.Name == "Process" {
				if id, ok := inner.X.(*ast.Ident); ok {
					if cmd := commands[c.info.Uses[id]]; cmd != nil {
						cmd.pid = n.Pos()
						seen[id] = true
					}
				}
				return true
			}
			if id, ok := n.X.(*ast.Ident); ok && !seen[id] {
				if cmd := commands[c.info.Uses[id]]; cmd != nil {
					seen[id] = true
					switch n.Sel.Name {
					case "Start":
						cmd.started = true
					case "Process", "Wait", "Run", "Output", "CombinedOutput", "Close", "WaitContext", "WaitChan", "AfterWait", "Shutdown", "Cancel":
						cmd.kept = true
					}
				}
			}
		case *ast.Ident:
			if cmd := commands[c.info.Uses[n]]; cmd != nil && !seen[n] {
				cmd.kept = true
			}
		}
		return true
	})
	for _, cmd := range commands {
		if cmd.started && cmd.pid.IsValid() && !cmd.kept {
			c.pass.Reportf(cmd.pid, pidOnly)
		}
	}
}

// waitInLoop reports a Wait in a loop if the command is declared outside the loop.
func (c *checker) waitInLoop(n *ast.CallExpr, stack []ast.Node) {
	cmd, _ := c.method(n)
	id, ok := astutil.Unparen(cmd).(*ast.Ident)
	if !ok {
		return
	}
	obj := c.info.Uses[id]
	for i := len(stack) - 1; i >= 0; i-- {
		loop, ok := stack[i].(*ast.ForStmt)
		if _, isFunc := stack[i].(*ast.FuncLit); isFunc {
			return
		}
		if !ok {
			continue
		}
		if obj == nil || loop.Pos() <= obj.Pos() && obj.Pos() < loop.End() || c.assigns(loop, obj) || c.exits(loop, n) {
			return
		}
		c.pass.Reportf(n.Pos(), waitLoop)
		return
	}
}

// assigns reports whether the loop assigns to obj.
func (c *checker) assigns(loop *ast.ForStmt, obj types.Object) (found bool) {
	ast.Inspect(loop, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, lhs := range a.Lhs {
				if id, ok := lhs.(*ast.Ident); ok && c.info.ObjectOf(id) == obj {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// exits reports whether the statement that contains call, or a later one in the body of the loop,
// always exits the loop.
func (c *checker) exits(loop *ast.ForStmt, call *ast.CallExpr) bool {
	after := false
	for _, s := range loop.Body.List {
		if s.Pos() <= call.Pos() && call.Pos() < s.End() {
			after = true
		}
		if !after {
			continue
		}
		switch s := s.(type) {
		case *ast.ReturnStmt:
			return true
		case *ast.BranchStmt:
			return s.Tok != token.CONTINUE
		}
	}
	return false
}
