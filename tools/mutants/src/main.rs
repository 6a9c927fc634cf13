//! `tokenward-mutants <list.json> <folder> <left out>`: rewrites the source files in a folder so that they hold all mutants that
//! `cargo mutants --list --json` names, and prints what is known of each. Left out are numbers (`1,5`) of mutants that do not compile.
//!
//! An operation becomes a `match` over the mutants at its place, an answer an early `return`, and a function is there twice: as it
//! was, and with its mutants, which are slower. Marks such as `/*17<*/` and `/*>17*/` stand around what is the mutant 17's, so that an
//! error of the compiler can be told of it. The numbers are places in the list, from 1 on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::Path;

use proc_macro2::{LineColumn, Span};
use serde::{Deserialize, Serialize};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A mutant as cargo-mutants lists it.
#[derive(Deserialize)]
struct Listed {
    file: String,
    genre: String,
    replacement: String,
    span: Place,
}

#[derive(Deserialize)]
struct Place {
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: usize,
    column: usize,
}

/// What is printed of a mutant.
#[derive(Serialize)]
struct Known {
    number: u32,
    /// The first mutant of its function, by which a run tells that it came there; of a constant none.
    function: Option<u32>,
    /// Whether it is in what only the compiler computes: then it has to be built, too.
    is_constant: bool,
    /// Whether both the compiler and a running program may come there.
    is_const_fn: bool,
}

type Mutants = Vec<(u32, String)>;

/// A place with mutants, and how it is written.
struct Site {
    range: Range<usize>,
    mutants: Mutants,
    kind: Kind,
}

enum Kind {
    /// A function's body; the mutants are answers.
    Body {
        first: u32,
        last: u32,
        is_doubled: bool,
    },
    Binary {
        left: Range<usize>,
        operator: String,
        right: Range<usize>,
    },
    Unary {
        operator: String,
        operand: Range<usize>,
    },
    Guard,
    /// The pattern of an arm that has no guard.
    Arm,
    /// A field of a structure that has a base.
    Field {
        name: String,
        value: Option<Range<usize>>,
        base: Range<usize>,
    },
}

struct Collector<'s> {
    /// By genre, line and column.
    listed: BTreeMap<(String, usize, usize), Mutants>,
    left_out: &'s BTreeSet<u32>,
    sites: Vec<Site>,
    known: Vec<Known>,
    /// How many constants are around this.
    constants: usize,
    /// Of the functions around this, whether they are `const`, and what was known before their mutants.
    is_const_fn: bool,
}

impl Collector<'_> {
    fn take(&mut self, genre: &str, LineColumn { line, column }: LineColumn) -> Mutants {
        let mutants = self.listed.remove(&(genre.to_owned(), line, column + 1)).unwrap_or_default();
        for (number, _) in &mutants {
            let (is_constant, is_const_fn) = (self.constants > 0, self.is_const_fn);
            self.known.push(Known { number: *number, function: None, is_constant, is_const_fn });
        }
        mutants.into_iter().filter(|(number, _)| !self.left_out.contains(number)).collect()
    }

    fn site(&mut self, range: Range<usize>, mutants: Mutants, kind: Kind) {
        if !mutants.is_empty() {
            self.sites.push(Site { range, mutants, kind });
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block, inside: impl FnOnce(&mut Self)) {
        let (is_const_fn, constants) = (self.is_const_fn, self.constants);
        (self.is_const_fn, self.constants) = (signature.constness.is_some(), 0);
        let (sites, known) = (self.sites.len(), self.known.len());
        let answers = block.stmts.first().map_or_else(Vec::new, |first| self.take("FnValue", first.span().start()));
        inside(self);
        let mut numbers: Vec<u32> = Vec::new();
        for known in &mut self.known[known..] {
            if !known.is_constant {
                numbers.push(known.number);
            }
        }
        if let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) {
            for known in &mut self.known[known..] {
                if !known.is_constant && known.function.is_none() {
                    known.function = Some(*first);
                }
            }
            // Two closures are of two types.
            let is_doubled = match &signature.output {
                syn::ReturnType::Type(_, answer) => !matches!(**answer, syn::Type::ImplTrait(_)),
                syn::ReturnType::Default => true,
            };
            let kind = Kind::Body { first: *first, last: *last, is_doubled };
            self.sites.insert(sites, Site { range: block.span().byte_range(), mutants: answers, kind });
        }
        (self.is_const_fn, self.constants) = (is_const_fn, constants);
    }

    fn constant(&mut self, inside: impl FnOnce(&mut Self)) {
        self.constants += 1;
        inside(self);
        self.constants -= 1;
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        match &item.default {
            Some(block) => self.function(&item.sig, block, |this| visit::visit_trait_item_fn(this, item)),
            None => visit::visit_trait_item_fn(self, item),
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(|this| visit::visit_item_const(this, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(|this| visit::visit_item_static(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(|this| visit::visit_impl_item_const(this, item));
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        self.constant(|this| visit::visit_trait_item_const(this, item));
    }

    fn visit_expr_const(&mut self, expression: &'ast syn::ExprConst) {
        self.constant(|this| visit::visit_expr_const(this, expression));
    }

    fn visit_type_array(&mut self, array: &'ast syn::TypeArray) {
        self.constant(|this| visit::visit_type_array(this, array));
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
        self.constant(|this| this.visit_expr(&repeat.len));
    }

    fn visit_generic_argument(&mut self, argument: &'ast syn::GenericArgument) {
        self.constant(|this| visit::visit_generic_argument(this, argument));
    }

    fn visit_expr_binary(&mut self, expression: &'ast syn::ExprBinary) {
        let operator = expression.op.span();
        let mutants = self.take("BinaryOperator", operator.start());
        let kind = Kind::Binary {
            left: range(expression.left.span()),
            operator: operator.source_text().unwrap_or_default(),
            right: range(expression.right.span()),
        };
        self.site(range(expression.span()), mutants, kind);
        visit::visit_expr_binary(self, expression);
    }

    fn visit_expr_unary(&mut self, expression: &'ast syn::ExprUnary) {
        let operator = expression.op.span();
        let mutants = self.take("UnaryOperator", operator.start());
        let operator = operator.source_text().unwrap_or_default();
        let kind = Kind::Unary { operator, operand: range(expression.expr.span()) };
        self.site(range(expression.span()), mutants, kind);
        visit::visit_expr_unary(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let mutants = self.take("MatchArm", arm.span().start());
        self.site(range(arm.pat.span()), mutants, Kind::Arm);
        if let Some((_, guard)) = &arm.guard {
            let mutants = self.take("MatchArmGuard", guard.span().start());
            self.site(range(guard.span()), mutants, Kind::Guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        for field in &expression.fields {
            let mutants = self.take("StructField", field.span().start());
            if let (Some(base), syn::Member::Named(name)) = (&expression.rest, &field.member) {
                let value = field.colon_token.map(|_| range(field.expr.span()));
                let kind = Kind::Field { name: name.to_string(), value, base: range(base.span()) };
                self.site(range(field.span()), mutants, kind);
            }
        }
        visit::visit_expr_struct(self, expression);
    }
}

fn range(span: Span) -> Range<usize> {
    span.byte_range()
}

/// What belongs to a mutant, between its marks.
fn marked(number: u32, text: &str) -> String {
    format!("/*{number}<*/ {text} /*>{number}*/")
}

struct Writer<'s> {
    source: &'s str,
    /// By where they begin, the outer ones first.
    sites: Vec<Site>,
}

impl Writer<'_> {
    /// The text of a part with the mutants of its sites, from one on.
    fn written(&self, part: Range<usize>, from: usize) -> String {
        let mut text = String::new();
        let mut at = part.start;
        for (place, site) in self.sites.iter().enumerate().skip(from) {
            if site.range.start < at || site.range.end > part.end {
                continue;
            }
            text.push_str(&self.source[at..site.range.start]);
            text.push_str(&self.site(place));
            at = site.range.end;
        }
        text.push_str(&self.source[at..part.end]);
        text
    }

    fn site(&self, place: usize) -> String {
        let Site { range, mutants, kind } = &self.sites[place];
        let inside = |part: &Range<usize>| self.written(part.clone(), place + 1);
        let arms = |write: &dyn Fn(&str) -> String| {
            mutants.iter().fold(String::new(), |mut arms, (number, replacement)| {
                let _ = write!(arms, "{number} => {}, ", marked(*number, &write(replacement)));
                arms
            })
        };
        let is_any = || mutants.iter().map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(" | ");
        match kind {
            Kind::Body { first, last, is_doubled } => {
                let answers = arms(&|answer| format!("return {answer}"));
                let body = format!(
                    "{{ match crate::mutation::active() {{ {answers} _ => {{}} }} {} }}",
                    // Unrolled, a loop would hold its mutants many times over: gigabytes for the compiler.
                    self.written(range.clone(), place + 1)
                        .replace("for_each_limb::<M, L>(", "crate::mutation::repeat::<L>(")
                );
                let original = if *is_doubled { &self.source[range.clone()] } else { &body };
                if *is_doubled {
                    format!("{{ if crate::mutation::is_within({first}, {last}) {body} else {original} }}")
                } else {
                    format!("{{ crate::mutation::is_within({first}, {last}); {body} }}")
                }
            }
            Kind::Binary { left, operator, right } => {
                let (a, b) = (inside(left), inside(right));
                match operator.as_str() {
                    "&&" | "||" => {
                        let negation = if operator == "&&" { "" } else { "!" };
                        let active = format!("matches!(crate::mutation::active(), {})", is_any());
                        // `a && b` ends early with what is false, and its mutant with what is true; `||` the other way about.
                        format!(
                            "(match {a} {{ mutated => if mutated == ({negation}{active}) {{ mutated }} else {{ {b} }} }})"
                        )
                    }
                    "==" | "!=" | "<" | "<=" | ">" | ">=" => {
                        let arms = arms(&|other| format!("*mutated_a {other} *mutated_b"));
                        format!(
                            "(match (&({a}), &({b})) {{ (mutated_a, mutated_b) => match crate::mutation::active() {{ \
                             {arms}_ => *mutated_a {operator} *mutated_b }} }})"
                        )
                    }
                    assignment if assignment.ends_with('=') => {
                        let arms = arms(&|other| format!("{a} {other} mutated_b"));
                        format!(
                            "(match {b} {{ mutated_b => match crate::mutation::active() {{ \
                             {arms}_ => {a} {operator} mutated_b }} }})"
                        )
                    }
                    _ => {
                        let arms = arms(&|other| format!("mutated_a {other} mutated_b"));
                        format!(
                            "(match ({a}, {b}) {{ (mutated_a, mutated_b) => match crate::mutation::active() {{ \
                             {arms}_ => mutated_a {operator} mutated_b }} }})"
                        )
                    }
                }
            }
            Kind::Unary { operator, operand } => {
                let arms = arms(&|_| "mutated".to_owned());
                format!(
                    "(match {} {{ mutated => match crate::mutation::active() {{ {arms}_ => {operator}mutated }} }})",
                    inside(operand)
                )
            }
            Kind::Guard => {
                let arms = arms(&str::to_owned);
                format!("(match crate::mutation::active() {{ {arms}_ => {} }})", inside(range))
            }
            Kind::Arm => {
                format!("{} if !matches!(crate::mutation::active(), {})", &self.source[range.clone()], is_any())
            }
            Kind::Field { name, value, base } => {
                let arms = arms(&|_| format!("({}).{name}", &self.source[base.clone()]));
                let value = value.as_ref().map_or_else(|| name.clone(), inside);
                format!("{name}: (match crate::mutation::active() {{ {arms}_ => {value} }})")
            }
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, folder, left_out] = arguments.as_slice() else {
        panic!("takes the list of cargo-mutants, the folder of its sources, and the numbers that are left out");
    };
    let list: Vec<Listed> =
        serde_json::from_str(&fs::read_to_string(list).expect("the list")).expect("the list's form");
    let left_out = left_out.split(',').filter_map(|number| number.parse().ok()).collect();
    let mut files: BTreeMap<&str, BTreeMap<(String, usize, usize), Mutants>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(&list) {
        let Start { line, column } = mutant.span.start;
        let mutants = files.entry(&mutant.file).or_default().entry((mutant.genre.clone(), line, column)).or_default();
        mutants.push((number, mutant.replacement.clone()));
    }
    let mut known = Vec::new();
    for (file, listed) in files {
        let path = Path::new(folder).join(file);
        let source = fs::read_to_string(&path).expect("a source");
        let tree = syn::parse_file(&source).expect("Rust");
        let mut collector = Collector {
            listed,
            left_out: &left_out,
            sites: Vec::new(),
            known: Vec::new(),
            constants: 0,
            is_const_fn: false,
        };
        collector.visit_file(&tree);
        let Collector { listed, mut sites, known: of_file, .. } = collector;
        assert!(listed.is_empty(), "{file}: nothing stands where these mutants should: {listed:?}");
        // Stable: of two at one place, the outer one was found first.
        sites.sort_by_key(|site| (site.range.start, usize::MAX - site.range.end));
        let writer = Writer { source: &source, sites };
        fs::write(&path, writer.written(0..source.len(), 0)).expect("a written source");
        known.extend(of_file);
    }
    println!("{}", serde_json::to_string(&known).expect("JSON"));
}
