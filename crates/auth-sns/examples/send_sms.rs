//! Sends one text message as the server would: `send_sms +15551234567 TEXT`.
//!
//! Reads `AWS_REGION`, `AWS_ENDPOINT_URL` and `SMS_SENDER_ID`; credentials come from the usual chain.

use std::{
    env,
    error::Error,
    io::{Write as _, stdout},
    time::Instant,
};

use auth_domain::{
    port::{SmsSender as _, SmsText},
    user::PhoneNumber,
};
use auth_sns::{SnsConfig, SnsSmsSender};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(to), Some(text)) = (args.next(), args.next()) else {
        return Err("usage: send_sms +15551234567 TEXT".into());
    };
    let config = SnsConfig {
        endpoint_url: env::var("AWS_ENDPOINT_URL").ok(),
        sender_id: env::var("SMS_SENDER_ID").ok(),
        ..SnsConfig::new(env::var("AWS_REGION")?)
    };
    let sender = SnsSmsSender::new(config)?;
    let begun = Instant::now();
    let outcome = sender.send(&PhoneNumber::parse(&to)?, &SmsText::new(text)).await;
    writeln!(stdout(), "{outcome:?} after {:?}", begun.elapsed())?;
    outcome.map(|_| ()).map_err(Into::into)
}
