//! Which statements are allowed: one SELECT, with or without WITH, over table `events`.
//!
//! What is not known to be harmless is refused, so that new syntax of the parser is refused too.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement as ParsedStatement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, ObjectName, ObjectNamePart, Query, Select, SelectFlavor, SetExpr, Statement, TableFactor,
    Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::SearchError;
use crate::sql::TABLE;

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
        if let Expr::Function(function) = expr
            && let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice()
            && super::REFUSED_FUNCTIONS.contains(&name.value.to_ascii_lowercase().as_str())
            && !matches!(function.args, FunctionArguments::None)
        {
            return refuse(format!("the function {name} is not allowed: it can make texts of any length"));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Step {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}
