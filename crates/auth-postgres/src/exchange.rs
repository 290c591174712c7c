//! One exchange with the server: everything sent at once, every answer awaited.
//!
//! Several futures on a shared connection, polled in order, put their messages on the wire in that
//! order, without waiting for each other: that is one round trip, however many statements there are.
//!
//! The order holds although a statement that is not prepared yet waits for its preparation: all of them,
//! `BEGIN` and `COMMIT` too, pass through the connection's statement cache, whose lock is fair and is held
//! meanwhile. A command sent past the cache would overtake.

use std::{future::Future, marker::PhantomData};

use diesel::{
    QueryResult, deserialize::FromSqlRow, expression::QueryMetadata, pg::Pg, query_dsl::CompatibleType,
    result::Error,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::{join, join_all, join4};

use crate::statement::{Rows, Statement};

/// Something to be asked, again if need be.
pub(crate) trait Question: Send + Sync {
    type Answer: Send;

    fn ask(&self, conn: &AsyncPgConnection) -> impl Future<Output = QueryResult<Self::Answer>> + Send;
}

/// Asks nothing.
pub(crate) struct Nothing;

impl Question for Nothing {
    type Answer = ();

    async fn ask(&self, _: &AsyncPgConnection) -> QueryResult<()> {
        Ok(())
    }
}

/// Asks how many rows a statement touches.
pub(crate) struct Count(pub(crate) Statement);

impl Question for Count {
    type Answer = u64;

    async fn ask(&self, conn: &AsyncPgConnection) -> QueryResult<u64> {
        execute(conn, &self.0).await
    }
}

/// Sends statements and adds up how many rows those touch that count.
pub(crate) struct Sum(pub(crate) Vec<Counted>);

/// A statement, and whether the rows it touches count.
pub(crate) struct Counted {
    pub(crate) statement: Statement,
    pub(crate) counts: bool,
}

impl Question for Sum {
    type Answer = u64;

    async fn ask(&self, conn: &AsyncPgConnection) -> QueryResult<u64> {
        let all = join_all(self.0.iter().map(|counted| execute(conn, &counted.statement))).await;
        let touched = all.into_iter().collect::<QueryResult<Vec<_>>>()?;
        let counts = self.0.iter().map(|counted| counted.counts);
        Ok(touched.into_iter().zip(counts).filter_map(|(rows, counts)| counts.then_some(rows)).sum())
    }
}

/// Asks for the rows of a statement, whose columns are `ST`, as `U`.
pub(crate) struct Find<ST, U>(Statement, PhantomData<fn() -> (ST, U)>);

impl<ST, U> Find<ST, U> {
    pub(crate) const fn new(statement: Statement) -> Self {
        Self(statement, PhantomData)
    }
}

impl<ST, U> Question for Find<ST, U>
where
    ST: Send + 'static,
    Pg: QueryMetadata<ST>,
    ST: CompatibleType<U, Pg, SqlType = ST>,
    U: FromSqlRow<ST, Pg> + Send + 'static,
{
    type Answer = Vec<U>;

    async fn ask(&self, mut conn: &AsyncPgConnection) -> QueryResult<Vec<U>> {
        Rows::<ST>(&self.0, PhantomData).load(&mut conn).await
    }
}

/// Asks two things, in this order: the second sees what the first waited for.
impl<A: Question, B: Question> Question for (A, B) {
    type Answer = (A::Answer, B::Answer);

    async fn ask(&self, conn: &AsyncPgConnection) -> QueryResult<Self::Answer> {
        let (first, second) = join(self.0.ask(conn), self.1.ask(conn)).await;
        Ok((first?, second?))
    }
}

/// Which ends of a transaction an exchange carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Neither.
    Middle,
    /// It begins one.
    First,
    /// It ends one.
    Last,
    /// It is a whole one.
    Whole,
}

/// Sends `statements` and then `question`; the first failure counts, in the order of sending.
///
/// PostgreSQL turns the commit of a transaction that failed into a rollback and calls it a success; but
/// then a statement before it has failed, and that failure is what comes out here.
pub(crate) async fn exchange<Q: Question>(
    conn: &AsyncPgConnection,
    span: Span,
    statements: &[Statement],
    question: &Q,
) -> QueryResult<Q::Answer> {
    let begin = matches!(span, Span::First | Span::Whole).then(|| Statement::new("BEGIN"));
    let commit = matches!(span, Span::Last | Span::Whole).then(|| Statement::new("COMMIT"));
    let told = join_all(statements.iter().map(|statement| execute(conn, statement)));
    let (opened, told, answer, committed) =
        join4(maybe(conn, begin), told, question.ask(conn), maybe(conn, commit)).await;
    opened?;
    for touched in told {
        touched?;
    }
    let answer = answer?;
    committed?;
    Ok(answer)
}

/// Ends a transaction without keeping it.
pub(crate) async fn roll_back(conn: &AsyncPgConnection) -> QueryResult<()> {
    maybe(conn, Some(Statement::new("ROLLBACK"))).await
}

async fn maybe(conn: &AsyncPgConnection, statement: Option<Statement>) -> QueryResult<()> {
    match statement {
        Some(statement) => execute(conn, &statement).await.map(drop),
        None => Ok(()),
    }
}

async fn execute(mut conn: &AsyncPgConnection, statement: &Statement) -> QueryResult<u64> {
    let touched = RunQueryDsl::execute(statement, &mut conn).await?;
    if statement.touches_one && touched != 1 {
        return Err(Error::NotFound);
    }
    Ok(u64::try_from(touched).unwrap_or(u64::MAX))
}
