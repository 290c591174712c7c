use super::*;

fn name(call: Call, code: &str, message: &str) -> &'static str {
    name_of(&refused(call, 400, code, message, &[]).error)
}

fn name_of(error: &IdentityError) -> &'static str {
    match error {
        IdentityError::WrongCredentials => "wrong",
        IdentityError::NotConfirmed => "not confirmed",
        IdentityError::ResetRequired => "reset",
        IdentityError::CodeMismatch => "mismatch",
        IdentityError::CodeExpired => "code expired",
        IdentityError::TooManyRequests(_) => "too many",
        IdentityError::WeakPassword { .. } => "weak",
        IdentityError::AlreadyExists => "exists",
        IdentityError::Disabled => "disabled",
        IdentityError::ChallengeExpired => "challenge expired",
        IdentityError::Unavailable(_) => "unavailable",
        IdentityError::Internal(_) => "internal",
        _ => "other",
    }
}

#[test]
fn codes_mean_what_the_call_makes_of_them() {
    for (call, code, message, expected) in [
        (Call::SignIn, "NotAuthorizedException", "Incorrect username or password.", "wrong"),
        (Call::SignIn, "UserNotFoundException", "User does not exist.", "wrong"),
        (Call::SignIn, "InvalidPasswordException", "Invalid password", "wrong"),
        (Call::SignIn, "NotAuthorizedException", "User is disabled.", "disabled"),
        (Call::SignIn, "NotAuthorizedException", "Password attempts exceeded", "too many"),
        (Call::SignIn, "NotAuthorizedException", "Unable to verify secret hash for client 4s8k2", "internal"),
        (Call::SignIn, "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled", "internal"),
        (Call::SignIn, "UserNotConfirmedException", "User is not confirmed.", "not confirmed"),
        (Call::SignIn, "PasswordResetRequiredException", "Password reset required", "reset"),
        (Call::SignIn, "UserLambdaValidationException", "PreAuthentication failed", "disabled"),
        (Call::SignIn, "ResourceNotFoundException", "User pool client does not exist.", "internal"),
        (Call::Answer, "CodeMismatchException", "Invalid code received for user", "mismatch"),
        (Call::Answer, "NotAuthorizedException", "Invalid code or auth state for the user.", "mismatch"),
        (Call::Answer, "NotAuthorizedException", "Invalid session for the user.", "challenge expired"),
        (Call::Answer, "ExpiredCodeException", "Your software token has been used", "code expired"),
        (Call::Answer, "InvalidPasswordException", "Password does not conform", "weak"),
        (Call::Confirm, "NotAuthorizedException", "Current status is CONFIRMED", "mismatch"),
        (Call::Confirm, "AliasExistsException", "An account with the email exists", "exists"),
        (Call::Confirm, "InvalidParameterException", "Value at 'confirmationCode' failed", "mismatch"),
        (Call::Confirm, "TooManyFailedAttemptsException", "Attempt limit exceeded", "too many"),
        (Call::SignUp, "UsernameExistsException", "User already exists", "exists"),
        (Call::SignUp, "InvalidParameterException", "Value at 'password' failed to satisfy", "weak"),
        (Call::SignUp, "NotAuthorizedException", "SignUp is not permitted for this pool", "internal"),
        (Call::SignUp, "CodeDeliveryFailureException", "no", "unavailable"),
        (Call::ForgotPassword, "InvalidParameterException", "no registered/verified email", "not confirmed"),
        (Call::ForgotPassword, "UserNotFoundException", "no", "wrong"),
        (Call::ResendCode, "InvalidParameterException", "User is already confirmed.", "exists"),
        (Call::WithToken, "NotAuthorizedException", "Access Token has been revoked", "disabled"),
        (Call::WithToken, "UserNotFoundException", "no", "disabled"),
        (Call::WithToken, "NotAuthorizedException", "lacks required scopes", "internal"),
        (Call::ActivateApp, "EnableSoftwareTokenMFAException", "Code mismatch", "mismatch"),
        (Call::SignIn, "LimitExceededException", "Attempt limit exceeded", "too many"),
        (Call::SignIn, "ThrottlingException", "Rate exceeded", "too many"),
        (Call::SignIn, "Throttling", "Rate exceeded", "too many"),
    ] {
        assert_eq!(name(call, code, message), expected, "{call:?} {code} {message}");
    }
}

#[test]
fn only_what_is_not_cognitos_answer_speaks_of_its_health() {
    for (status, code, fate) in [
        (400, "NotAuthorizedException", Fate::Answered),
        (400, "CodeDeliveryFailureException", Fate::Answered),
        (429, "TooManyRequestsException", Fate::Answered),
        (400, "", Fate::Lost),
        (200, "Whatever", Fate::Lost),
        (500, "InternalErrorException", Fate::Lost),
        (503, "ServiceUnavailable", Fate::Lost),
    ] {
        let failed = refused(Call::SignIn, status, code, "", &[]);
        assert_eq!(failed.fate, fate, "{status} {code}");
        assert_eq!(name_of(&failed.error) == "unavailable", fate == Fate::Lost || code.starts_with("CodeD"));
    }
}

#[test]
fn reasons_are_cognitos_without_the_sentence_around_them() {
    let reason = |message: &str| match refused(
        Call::SignUp,
        400,
        "InvalidPasswordException",
        message,
        &["pw x"],
    )
    .error
    {
        IdentityError::WeakPassword { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason("Password did not conform with policy: Password not long enough"),
        "Password not long enough"
    );
    assert_eq!(reason("too\r\n  short\u{0}"), "too short");
    assert_eq!(reason("policy:  "), "Password not accepted");
    assert_eq!(reason("pw x is too weak"), "… is too weak");
}

#[test]
fn causes_repeat_nothing_private() {
    let message = "ada@example.com 123456 eyJhbGciOiJSUzI1NiJ9 +15551234567\n hash= error 404";
    let said = cleaned(message, &["eyJhbGciOiJSUzI1NiJ9"]);
    assert_eq!(said, "… … … … hash= error 404");
    assert_eq!(cleaned(&"x".repeat(65), &[""]), "…");
    assert_eq!(cleaned(&"no ".repeat(500), &[]).len(), 300);
}
