// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/types"
	"slices"
)

// collect notes every name of the modules that the rest of the program mentions, and what those names are made of.
func (p *program) collect() {
	for _, info := range p.info {
		for _, obj := range info.Uses {
			p.need(obj)
		}
		for _, sel := range info.Selections {
			p.needPath(sel)
		}
	}
	for p.needImplementations() {
	}
}

// needPath notes what a selector reaches, and the embedded fields on the way.
func (p *program) needPath(sel *types.Selection) {
	p.need(sel.Obj())
	t := sel.Recv()
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return
		}
		p.need(st.Field(i))
		t = st.Field(i).Type()
	}
}

// need notes one object, its type and, for a method, what it belongs to.
func (p *program) need(obj types.Object) {
	switch o := obj.(type) {
	case *types.Func:
		obj = o.Origin()
	case *types.Var:
		obj = o.Origin()
	}
	if obj == nil || obj.Pkg() == nil || !p.leftOut(obj.Pkg().Path()) || p.needed[obj] {
		return
	}
	if _, isPackage := obj.(*types.PkgName); isPackage {
		return
	}
	p.needed[obj] = true
	tn, isType := obj.(*types.TypeName)
	switch {
	case !isType:
		p.needType(obj.Type())
		if fn, ok := obj.(*types.Func); ok && fn.Signature().Recv() != nil {
			p.needType(fn.Signature().Recv().Type())
		}
	case tn.IsAlias():
		p.needType(types.Unalias(tn.Type()))
	default:
		p.needDeclaration(tn)
	}
}

// needDeclaration notes what a type is declared with. The fields of a struct and the methods of an interface that are
// mentioned come by themselves.
func (p *program) needDeclaration(tn *types.TypeName) {
	named, ok := tn.Type().(*types.Named)
	if !ok {
		return
	}
	for tp := range named.TypeParams().TypeParams() {
		p.needType(tp.Constraint())
	}
	switch u := named.Underlying().(type) {
	case *types.Struct:
	case *types.Interface:
		if !u.IsMethodSet() {
			p.needType(u)
		}
	default:
		p.needType(u)
	}
}

// needType notes the named types that a type is made of.
func (p *program) needType(t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		if t.Obj().Pkg() != nil && p.leftOut(t.Obj().Pkg().Path()) {
			p.need(t.Obj())
			return
		}
		p.needType(types.Unalias(t))
	case *types.Named:
		p.need(t.Obj())
		for arg := range t.TypeArgs().Types() {
			p.needType(arg)
		}
	default:
		for _, part := range parts(t) {
			p.needType(part)
		}
	}
}

// parts are the types of which a type without a name is made.
func parts(t types.Type) (out []types.Type) {
	switch t := t.(type) {
	case *types.Map:
		out = append(out, t.Key(), t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays and channels
		out = append(out, t.Elem())
	case *types.Signature:
		for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
			for v := range tuple.Variables() {
				out = append(out, v.Type())
			}
		}
		for tp := range t.TypeParams().TypeParams() {
			out = append(out, tp.Constraint())
		}
	case *types.Struct:
		for f := range t.Fields() {
			out = append(out, f.Type())
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			out = append(out, m.Type())
		}
		out = slices.AppendSeq(out, t.EmbeddedTypes())
	case *types.Union:
		for term := range t.Terms() {
			out = append(out, term.Type())
		}
	}
	return out
}

// needImplementations notes the methods by which a type that is needed implements an interface that somebody mentions,
// and reports whether there was a new one.
func (p *program) needImplementations() bool {
	before := len(p.needed)
	interfaces := p.interfaces()
	for obj := range p.needed {
		tn, ok := obj.(*types.TypeName)
		if !ok || tn.IsAlias() || types.IsInterface(tn.Type()) {
			continue
		}
		if named, ok := tn.Type().(*types.Named); !ok || named.TypeParams().Len() > 0 {
			continue
		}
		ptr := types.NewPointer(tn.Type())
		for i, own := range interfaces {
			if types.Implements(ptr, i) {
				p.needMethods(tn, i, own)
			}
		}
	}
	return len(p.needed) > before
}

// needMethods notes the methods of a type that are in an interface. What an interface of the modules themselves has and
// nobody calls, its stand-in will not have either.
func (p *program) needMethods(tn *types.TypeName, i *types.Interface, own bool) {
	for m := range i.Methods() {
		if own && !p.needed[m.Origin()] {
			continue
		}
		if found, _, _ := types.LookupFieldOrMethod(tn.Type(), true, tn.Pkg(), m.Name()); found != nil {
			p.need(found)
		}
	}
}

// interfaces are all that the rest of the program mentions, and whether they are of the modules.
func (p *program) interfaces() map[*types.Interface]bool {
	all := map[*types.Interface]bool{}
	add := func(t types.Type, own bool) {
		if i, ok := t.Underlying().(*types.Interface); ok {
			all[i] = own
		}
	}
	add(types.Universe.Lookup("error").Type(), false)
	for _, info := range p.info {
		for _, tv := range info.Types {
			add(tv.Type, false)
		}
	}
	for obj := range p.needed {
		if tn, ok := obj.(*types.TypeName); ok {
			add(tn.Type(), true)
		}
	}
	return all
}
