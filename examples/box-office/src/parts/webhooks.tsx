import { Alert, Checkbox, Code, Fieldset, TextInput } from '@mantine/core';
import type { WebhookFieldsFragment, WebhookKind } from '#client/generated/graphql.ts';
import type { useFields } from './form.tsx';

export const KIND_WORDS: Readonly<Record<WebhookKind, string>> = {
  EVENT_CREATED: 'Event created',
  EVENT_UPDATED: 'Event changed',
  EVENT_CANCELLED: 'Event cancelled',
  BOOKING_CONFIRMED: 'Seats booked',
  BOOKING_CANCELLED: 'Booking cancelled',
};
const KINDS = Object.keys(KIND_WORDS) as WebhookKind[];

const OFF_WORDS = {
  OWNER: 'Switched off',
  GONE: 'Off: it answered 410 (Gone)',
  FAILING: 'Off: it failed for 24 hours',
};

/** Says whether messages are sent to an endpoint. */
export const stateOf = ({ enabled, disabledReason }: WebhookFieldsFragment): string =>
  enabled ? 'On' : OFF_WORDS[disabledReason ?? 'OWNER'];

/** The fields of a form about an endpoint. */
export function WebhookInputs({
  fields,
  webhook,
}: {
  fields: ReturnType<typeof useFields>;
  webhook?: WebhookFieldsFragment;
}) {
  const { error } = fields('kinds', '');
  return (
    <>
      <TextInput
        {...fields('url', 'Address')}
        type="url"
        placeholder="https://example.com/webhooks"
        maxLength={1_000}
        defaultValue={webhook?.url}
      />
      <Fieldset legend="Send a message when" className="kinds">
        {KINDS.map((kind) => (
          <Checkbox
            key={kind}
            name={kind}
            label={KIND_WORDS[kind]}
            defaultChecked={webhook?.kinds.includes(kind) ?? true}
          />
        ))}
        {error && <p role="alert">{error}</p>}
      </Fieldset>
    </>
  );
}

/** Reads the values of WebhookInputs. */
export const webhookIn = (values: Readonly<Record<string, string>>) => ({
  url: values.url ?? '',
  kinds: KINDS.filter((kind) => kind in values),
});

/** Shows a secret. The graph returns it only once. */
export const Secret = ({ secret }: { secret: string }) => (
  <Alert color="evergreen" variant="light" role="status" title="Copy this secret now" className="secret">
    <p>Your server needs it to verify our messages. It is not shown again.</p>
    <Code block>{secret}</Code>
  </Alert>
);
