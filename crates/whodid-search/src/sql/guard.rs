//! Which statements are allowed: one SELECT, with or without WITH, over table `events`.
//!
//! What is not known to be harmless is refused, so that new syntax of the parser is refused too.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement as ParsedStatement};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, ObjectNamePart, Query,
    Select, SelectFlavor, SetExpr, Statement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::SearchError;
use crate::sql::{TABLE, allowed};

/// Longest statement, in bytes.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// Most tokens of a statement: bounds the depth of its tree before the tree is built.
pub const SQL_TOKENS_MAX: usize = 4000;
/// Deepest nesting of expressions.
pub const SQL_DEPTH_MAX: usize = 200;
/// Deepest nesting of queries and parentheses that the parser follows.
const PARSER_DEPTH_MAX: usize = 40;
/// Deepest nesting of brackets and CASE. The parser tries several readings of what stands in a
/// bracket, each of them anew for every bracket inside: its time doubles with each level.
pub const SQL_BRACKETS_MAX: usize = 12;
/// Most tables and subqueries read from, and most joins and set operations: they cost the planner more than
/// their number.
pub const SQL_TABLES_MAX: usize = 32;

/// Most columns that one SELECT names.
pub const SQL_COLUMNS_MAX: usize = 100;
/// Longest text written out in a statement: it may be repeated for each row.
const TEXT_BYTES_MAX: usize = 4096;
/// Longest regular expression, and most of them: each is compiled anew for each batch of rows.
const PATTERN_BYTES_MAX: usize = 1024;
const PATTERNS_MAX: usize = 50;
/// Longest format of a time: what it makes is many times as long.
const FORMAT_BYTES_MAX: usize = 100;

/// The parsed statement, if it is allowed.
pub(crate) fn check(text: &str) -> Result<ParsedStatement, SearchError> {
    if text.len() > SQL_BYTES_MAX {
        return Err(refused(format!("the statement has {} bytes; at most {SQL_BYTES_MAX} are allowed", text.len())));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize().map_err(|error| refused(error.to_string()))?;
    let count = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if count > SQL_TOKENS_MAX {
        return Err(refused(format!(
            "the statement has {count} words and signs; at most {SQL_TOKENS_MAX} are allowed"
        )));
    }
    let deepest = deepest_bracket(&tokens);
    if deepest > SQL_BRACKETS_MAX {
        return Err(refused(format!(
            "the statement nests brackets or CASE {deepest} deep; at most {SQL_BRACKETS_MAX} are allowed, use WITH"
        )));
    }
    let joins = tokens.iter().filter(|token| is_join(token)).count();
    if joins > SQL_TABLES_MAX {
        return Err(refused(format!(
            "the statement has {joins} joins and set operations; at most {SQL_TABLES_MAX} are allowed"
        )));
    }
    let mut statements = DFParserBuilder::new(text)
        .with_dialect(&dialect)
        .with_recursion_limit(PARSER_DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| refused(error.strip_backtrace()))?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(refused("exactly one statement is allowed".to_owned()));
    };
    let ParsedStatement::Statement(inner) = &statement else {
        return Err(refused(ONLY_SELECT.to_owned()));
    };
    let Statement::Query(query) = inner.as_ref() else {
        return Err(refused(ONLY_SELECT.to_owned()));
    };
    let mut guard = Guard::default();
    match query.visit(&mut guard) {
        ControlFlow::Continue(()) => Ok(statement),
        ControlFlow::Break(detail) => Err(refused(detail)),
    }
}

/// How deep brackets and CASE nest. Unbalanced ones are left to the parser.
fn deepest_bracket(tokens: &[Token]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Word(word) if word.value.eq_ignore_ascii_case("case") => depth += 1,
            Token::Word(word) if word.value.eq_ignore_ascii_case("end") => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn is_join(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    matches!(word.keyword, Keyword::JOIN | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS)
}

const ONLY_SELECT: &str = "only SELECT is allowed, with or without WITH";

fn refused(detail: String) -> SearchError {
    SearchError::Sql { detail }
}

#[derive(Default)]
struct Guard {
    /// Names given by the WITH clauses around the present place.
    named: Vec<Vec<String>>,
    depth: usize,
    tables: usize,
    patterns: usize,
}

type Step = ControlFlow<String>;

fn refuse(detail: impl Into<String>) -> Step {
    ControlFlow::Break(detail.into())
}

impl Guard {
    fn body(&self, body: &SetExpr) -> Step {
        match body {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => ControlFlow::Continue(()),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            _ => refuse(ONLY_SELECT),
        }
    }

    fn table(&self, name: &ObjectName) -> Step {
        let [ObjectNamePart::Identifier(name)] = name.0.as_slice() else {
            return refuse(format!("there is no table {name}; the only one is {TABLE}"));
        };
        let text = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() };
        if text == TABLE || self.named.iter().flatten().any(|named| *named == text) {
            return ControlFlow::Continue(());
        }
        refuse(format!("there is no table {name}; the only one is {TABLE}"))
    }
}

impl Guard {
    fn function(&mut self, function: &Function) -> Step {
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
            return refuse(format!("there is no function {}", function.name));
        };
        let lower = name.value.to_ascii_lowercase();
        let is_in = |names: &[&str]| names.contains(&lower.as_str());
        if function.over.is_some() {
            if !is_in(&allowed::WINDOWS) {
                let windows = allowed::WINDOWS.join(", ");
                return refuse(format!("the function {name} is not allowed with OVER; these are: {windows}"));
            }
            return ControlFlow::Continue(());
        }
        if !is_in(&allowed::SCALARS) && !is_in(&allowed::AGGREGATES) {
            return refuse(format!("the function {name} is not allowed"));
        }
        let arguments: Vec<Option<&Expr>> = match &function.args {
            FunctionArguments::List(list) => list.args.iter().map(plain_argument).collect(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => Vec::new(),
        };
        for argument in arguments.iter().skip(1) {
            match argument {
                Some(pattern) if lower.starts_with("regexp_") => self.pattern(pattern)?,
                Some(format) if lower == "to_char" => self.literal(format, FORMAT_BYTES_MAX)?,
                None if lower.starts_with("regexp_") || lower == "to_char" => {
                    return refuse(format!("the arguments of {name} are given without names"));
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// A regular expression: compiled once, not once a row, and small.
    fn pattern(&mut self, pattern: &Expr) -> Step {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return refuse(format!("the statement has more than {PATTERNS_MAX} regular expressions"));
        }
        self.literal(pattern, PATTERN_BYTES_MAX)
    }

    fn literal(&self, text: &Expr, bytes_max: usize) -> Step {
        match text {
            Expr::Nested(inner) => self.literal(inner, bytes_max),
            Expr::Value(value) if value.value.to_string().len() <= bytes_max => ControlFlow::Continue(()),
            Expr::Value(_) => refuse(format!("a pattern here has at most {bytes_max} bytes")),
            _ => refuse(format!("a pattern must be written out as a text in quotes, not {}", shown(text))),
        }
    }
}

fn plain_argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn is_regex(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{PGRegexIMatch, PGRegexMatch, PGRegexNotIMatch, PGRegexNotMatch, Regexp};
    matches!(operator, Regexp | PGRegexMatch | PGRegexIMatch | PGRegexNotMatch | PGRegexNotIMatch)
}

fn is_like(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{PGILikeMatch, PGLikeMatch, PGNotILikeMatch, PGNotLikeMatch};
    matches!(operator, PGLikeMatch | PGILikeMatch | PGNotLikeMatch | PGNotILikeMatch)
}

/// Expressions that need no closer look than at what is inside them.
fn is_allowed(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Cast { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Interval(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
    )
}

fn shown(expr: &Expr) -> String {
    const CHARS_MAX: usize = 60;
    expr.to_string().chars().take(CHARS_MAX).collect()
}

impl Visitor for Guard {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        let Query {
            with,
            body,
            order_by: _,
            limit_clause: _,
            fetch: _,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if !locks.is_empty()
            || for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty()
        {
            return refuse("only plain SELECT is allowed: no FOR, SETTINGS, FORMAT or |>");
        }
        let mut names = Vec::new();
        if let Some(with) = with {
            if with.recursive {
                return refuse("WITH RECURSIVE is not allowed");
            }
            for table in &with.cte_tables {
                let name = &table.alias.name;
                let text =
                    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() };
                names.push(text);
            }
        }
        self.named.push(names);
        self.body(body)
    }

    fn post_visit_query(&mut self, _: &Query) -> Step {
        self.named.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        if select.into.is_some() {
            return refuse("SELECT INTO is not allowed");
        }
        let is_plain = select.flavor == SelectFlavor::Standard
            && select.lateral_views.is_empty()
            && select.connect_by.is_empty()
            && select.prewhere.is_none()
            && select.select_modifiers.is_none();
        if !is_plain {
            return refuse(ONLY_SELECT);
        }
        if select.projection.len() > SQL_COLUMNS_MAX {
            return refuse(format!("a SELECT gives at most {SQL_COLUMNS_MAX} columns"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, _: &Statement) -> Step {
        // Statements inside queries: INSERT, UPDATE, DELETE, MERGE.
        refuse(ONLY_SELECT)
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> Step {
        self.table(name)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        self.tables += 1;
        if self.tables > SQL_TABLES_MAX {
            return refuse(format!("the statement reads from more than {SQL_TABLES_MAX} tables and subqueries"));
        }
        match factor {
            TableFactor::Table {
                name,
                args: None,
                with_hints,
                version: None,
                partitions,
                json_path: None,
                sample: None,
                ..
            } if with_hints.is_empty() && partitions.is_empty() => self.table(name),
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => refuse(format!("only the table {TABLE} and subqueries can be read from")),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Step {
        self.depth += 1;
        if self.depth > SQL_DEPTH_MAX {
            return refuse(format!("expressions are nested deeper than {SQL_DEPTH_MAX}"));
        }
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::BinaryOp { op, right, .. } if is_regex(op) => self.pattern(right),
            Expr::BinaryOp { op, right, .. } if is_like(op) => self.literal(right, TEXT_BYTES_MAX),
            Expr::SimilarTo { pattern, .. } => self.pattern(pattern),
            Expr::Like { any: false, pattern, .. } | Expr::ILike { any: false, pattern, .. } => {
                self.literal(pattern, TEXT_BYTES_MAX)
            }
            Expr::Value(value) if value.value.to_string().len() > TEXT_BYTES_MAX => {
                refuse(format!("a text in a statement has at most {TEXT_BYTES_MAX} bytes"))
            }
            _ if is_allowed(expr) => ControlFlow::Continue(()),
            _ => refuse(format!("this expression is not allowed: {}", shown(expr))),
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Step {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}
