//! The lines of an export: one JSON object each. `docs/audit.md` describes them.

use anyhow::Context as _;
use auth_domain::audit::{
    AuditKey, ChainHead, ChainLink, ChainedRow, Checkpoint, Salt, Signature, StoredRow, hex, time_text, unhex,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// The first word of every export, and the version of its form.
pub(super) const FORMAT: &str = "auth-audit/1";

/// What an export covers.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) keys: Vec<AuditKey>,
    pub(super) from: ChainHead,
    pub(super) to: i64,
}

/// A line of an export.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Header(Header),
    Checkpoint(Checkpoint),
    Row(ChainedRow),
}

pub(super) fn header(header: &Header, at: DateTime<Utc>) -> Value {
    json!({
        "type": "header",
        "format": FORMAT,
        "exported_at": time_text(at),
        "keys": header.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "from": { "position": header.from.position, "hash": header.from.hash.to_string() },
        "to": header.to,
    })
}

pub(super) fn checkpoint(checkpoint: &Checkpoint) -> Value {
    json!({
        "type": "checkpoint",
        "number": checkpoint.number,
        "kind": checkpoint.kind.as_str(),
        "position": checkpoint.head.position,
        "hash": checkpoint.head.hash.to_string(),
        "at": time_text(checkpoint.at),
        "key": checkpoint.key.to_string(),
        "signature": hex(checkpoint.signature.as_bytes()),
    })
}

pub(super) fn row(chained: &ChainedRow) -> Value {
    let ChainedRow { link, row } = chained;
    json!({
        "type": "row",
        "position": link.position,
        "seq": link.seq,
        "hash": link.hash.to_string(),
        "client": link.client.map(|client| client.to_string()),
        "salt": link.salt.map(|salt| hex(salt.as_bytes())),
        "entry": row.as_ref().map(entry),
    })
}

/// An entry by itself, without its place in the chain.
pub(super) fn entry(row: &StoredRow) -> Value {
    json!({
        "seq": row.seq,
        "at": time_text(row.at),
        "tenant": row.tenant,
        "event": row.event,
        "outcome": row.outcome,
        "actor_id": row.actor,
        "subject_id": row.subject,
        "session_id": row.session,
        "ip_address": row.ip,
        "user_agent": row.user_agent,
        "request_id": row.request_id,
        "details": row.details,
    })
}

/// Reads a line back.
pub(super) fn read(text: &str) -> anyhow::Result<Line> {
    let value: Value = serde_json::from_str(text).context("not JSON")?;
    let Value::Object(fields) = value else { anyhow::bail!("not a JSON object") };
    let fields = Fields(fields);
    Ok(match fields.text("type")?.as_str() {
        "header" => Line::Header(read_header(&fields)?),
        "checkpoint" => Line::Checkpoint(read_checkpoint(&fields)?),
        "row" => Line::Row(read_row(&fields)?),
        other => anyhow::bail!("{other:?} is no line of an export"),
    })
}

fn read_header(fields: &Fields) -> anyhow::Result<Header> {
    let format = fields.text("format")?;
    anyhow::ensure!(format == FORMAT, "the format is {format:?}, and this version reads {FORMAT:?}");
    let keys = fields.0.get("keys").and_then(Value::as_array).context("keys is missing")?;
    let key = |key: &Value| key.as_str().and_then(|key| key.parse().ok()).context("a key is not one");
    Ok(Header {
        keys: keys.iter().map(key).collect::<anyhow::Result<_>>()?,
        from: fields.object("from")?.context("from is missing")?.head()?,
        to: fields.number("to")?,
    })
}

fn read_checkpoint(fields: &Fields) -> anyhow::Result<Checkpoint> {
    Ok(Checkpoint {
        number: fields.number("number")?,
        kind: fields.parsed("kind")?,
        head: fields.head()?,
        at: fields.parsed("at")?,
        key: fields.parsed("key")?,
        signature: Signature::from_bytes(unhex(&fields.text("signature")?).context("signature is none")?),
    })
}

fn read_row(fields: &Fields) -> anyhow::Result<ChainedRow> {
    let row = fields.object("entry")?.map(|entry| read_entry(&entry)).transpose()?;
    let client = fields.optional_text("client")?.map(|text| text.parse()).transpose();
    let salt = fields.optional_text("salt")?;
    let salt = salt.map(|text| unhex(&text).map(Salt::from_bytes).context("salt is none")).transpose()?;
    let link = ChainLink {
        position: fields.number("position")?,
        seq: fields.number("seq")?,
        // The link's own time serves the store only.
        at: row.as_ref().map_or(DateTime::UNIX_EPOCH, |row| row.at),
        hash: fields.parsed("hash")?,
        client: client.context("client is none")?,
        salt,
    };
    Ok(ChainedRow { link, row })
}

fn read_entry(fields: &Fields) -> anyhow::Result<StoredRow> {
    let details = fields.0.get("details").cloned().context("details is missing")?;
    Ok(StoredRow {
        seq: fields.number("seq")?,
        at: fields.parsed("at")?,
        tenant: fields.text("tenant")?,
        event: fields.text("event")?,
        outcome: fields.text("outcome")?,
        actor: fields.optional_number("actor_id")?,
        subject: fields.optional_number("subject_id")?,
        session: fields.optional_number("session_id")?,
        ip: fields.optional_text("ip_address")?,
        user_agent: fields.optional_text("user_agent")?,
        request_id: fields.optional_text("request_id")?,
        details: serde_json::from_value(details).context("details are not pairs of texts")?,
    })
}

/// The fields of an object.
struct Fields(Map<String, Value>);

impl Fields {
    fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn optional_text(&self, name: &str) -> anyhow::Result<Option<String>> {
        let text =
            |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{name} is no text"));
        self.present(name).map(text).transpose()
    }

    fn text(&self, name: &str) -> anyhow::Result<String> {
        self.optional_text(name)?.with_context(|| format!("{name} is missing"))
    }

    fn optional_number(&self, name: &str) -> anyhow::Result<Option<i64>> {
        let number = |value: &Value| value.as_i64().with_context(|| format!("{name} is no whole number"));
        self.present(name).map(number).transpose()
    }

    fn number(&self, name: &str) -> anyhow::Result<i64> {
        self.optional_number(name)?.with_context(|| format!("{name} is missing"))
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> anyhow::Result<T> {
        self.text(name)?.parse().ok().with_context(|| format!("{name} cannot be read"))
    }

    fn object(&self, name: &str) -> anyhow::Result<Option<Self>> {
        let object =
            |value: &Value| value.as_object().cloned().with_context(|| format!("{name} is no object"));
        self.present(name).map(object).transpose().map(|object| object.map(Self))
    }

    fn head(&self) -> anyhow::Result<ChainHead> {
        Ok(ChainHead { position: self.number("position")?, hash: self.parsed("hash")? })
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::audit::{ChainHash, CheckpointKind};

    use super::*;

    fn stored() -> StoredRow {
        StoredRow {
            seq: 7,
            at: "2026-03-04T05:06:07.000008Z".parse().unwrap(),
            tenant: "default".to_owned(),
            event: "login.ok".to_owned(),
            outcome: "success".to_owned(),
            actor: Some(1),
            subject: Some(2),
            session: None,
            ip: Some("203.0.113.7".to_owned()),
            user_agent: Some("a\n\"b\" \u{1b}".to_owned()),
            request_id: None,
            details: vec![("key".to_owned(), "value".to_owned()), ("key".to_owned(), "again".to_owned())],
        }
    }

    fn back(value: &Value) -> Line {
        let text = value.to_string();
        assert!(!text.contains(['\n', '\u{1b}']), "{text}");
        read(&text).unwrap()
    }

    #[test]
    fn lines_go_both_ways() {
        let salt = Salt::from_bytes([3; 16]);
        let row_link = ChainHead::GENESIS.link(&stored(), salt);
        let whole = ChainedRow { link: row_link.clone(), row: Some(stored()) };
        assert_eq!(back(&row(&whole)), Line::Row(whole));
        let gone = ChainLink { client: None, salt: None, at: DateTime::UNIX_EPOCH, ..row_link };
        let gone = ChainedRow { link: gone, row: None };
        assert_eq!(back(&row(&gone)), Line::Row(gone));
        let head = ChainHead { position: 9, hash: ChainHash::from_bytes([9; 32]) };
        let key = AuditKey::from_bytes([8; 32]);
        let signed = Checkpoint {
            number: 4,
            kind: CheckpointKind::Pruned,
            head,
            at: stored().at,
            key,
            signature: Signature::from_bytes([7; 64]),
        };
        assert_eq!(back(&checkpoint(&signed)), Line::Checkpoint(signed));
        let first = Header { keys: vec![key], from: head, to: 12 };
        assert_eq!(back(&header(&first, stored().at)), Line::Header(first));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let mut later = header(&Header { keys: Vec::new(), from: ChainHead::GENESIS, to: 0 }, stored().at);
        later["format"] = "auth-audit/2".into();
        for wrong in ["", "[]", "{}", r#"{"type":"row"}"#, r#"{"type":"party"}"#, &later.to_string()] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
