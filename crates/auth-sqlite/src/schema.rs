//! The tables as `migrations/sqlite` makes them.

diesel::table! {
    users (id) {
        id -> BigInt,
        tenant -> Text,
        email -> Text,
        email_verified -> Bool,
        full_name -> Nullable<Text>,
        status -> Text,
        superuser -> Bool,
        application_admin -> Bool,
        manager -> Bool,
        password_hash -> Nullable<Text>,
        temporary_until -> Nullable<BigInt>,
        last_login_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        totp -> Bool,
        sms_enabled -> Bool,
        phone_number -> Nullable<Text>,
        phone_pending -> Nullable<Text>,
        email_factor -> Bool,
    }
}

diesel::table! {
    erased_accounts (id) {
        id -> BigInt,
        at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        tenant -> Text,
        user_id -> BigInt,
        authenticated_at -> BigInt,
        methods -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        second_factor_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (session_id, generation) {
        session_id -> BigInt,
        generation -> BigInt,
        digest -> Binary,
        salt -> Binary,
        minted_at -> BigInt,
    }
}

diesel::table! {
    one_time_links (digest) {
        digest -> Binary,
        tenant -> Text,
        user_id -> BigInt,
        purpose -> Text,
        email -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    totp_secrets (user_id) {
        user_id -> BigInt,
        secret -> Nullable<Binary>,
        last_step -> Nullable<BigInt>,
        pending -> Nullable<Binary>,
        pending_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    recovery_codes (digest) {
        digest -> Binary,
        user_id -> BigInt,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    trusted_devices (id) {
        id -> BigInt,
        user_id -> BigInt,
        fingerprint -> Binary,
        method -> Text,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        platform -> Nullable<Text>,
        verified_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    linked_identities (id) {
        id -> BigInt,
        user_id -> BigInt,
        issuer -> Text,
        subject -> Text,
        linked_at -> BigInt,
        proved_at -> BigInt,
        checked_at -> BigInt,
        grant_sealed -> Nullable<Binary>,
        migrated -> Nullable<Binary>,
        leased_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    known_devices (digest) {
        digest -> Binary,
        user_id -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        failures -> BigInt,
        recent_failures -> BigInt,
        last_attempt_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        tenant -> Text,
        user_id -> Nullable<BigInt>,
        made_by -> BigInt,
        name -> Text,
        prefix -> Text,
        digest -> Binary,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    login_locks (key) {
        key -> Binary,
        failures -> BigInt,
        locked_until -> Nullable<BigInt>,
        last_attempt_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> Text,
        algorithm -> Text,
        private -> Binary,
        public_jwk -> Text,
        created_at -> BigInt,
        activates_at -> BigInt,
        retires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_events (seq) {
        seq -> BigInt,
        at -> BigInt,
        tenant -> Text,
        event -> Text,
        outcome -> Text,
        actor -> Nullable<BigInt>,
        subject -> Nullable<BigInt>,
        session -> Nullable<BigInt>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        details -> Text,
    }
}

diesel::table! {
    audit_chain (position) {
        position -> BigInt,
        seq -> BigInt,
        at -> BigInt,
        hash -> Binary,
        client -> Nullable<Binary>,
        salt -> Nullable<Binary>,
    }
}

diesel::table! {
    audit_checkpoints (number) {
        number -> BigInt,
        kind -> Text,
        position -> BigInt,
        hash -> Binary,
        at -> BigInt,
        key -> Binary,
        signature -> Binary,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        tenant -> Text,
        user_id -> Nullable<BigInt>,
        kind -> Text,
        email -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        created_at -> BigInt,
        due_at -> BigInt,
        attempts -> BigInt,
        leased_until -> Nullable<BigInt>,
        buried_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        once -> Nullable<Binary>,
        sealed -> Nullable<Binary>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(linked_identities -> users (user_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::allow_tables_to_appear_in_same_query!(users, sessions, refresh_tokens);
diesel::allow_tables_to_appear_in_same_query!(users, linked_identities);
diesel::allow_tables_to_appear_in_same_query!(users, api_keys);
diesel::allow_tables_to_appear_in_same_query!(users, totp_secrets);
diesel::allow_tables_to_appear_in_same_query!(audit_events, audit_chain);
