import { Badge, Button, Group, PasswordInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { OperationError } from '#client/answers.ts';
import { exportAccount } from '#client/export.ts';
import {
  AccountDocument,
  type AccountQuery,
  ChangePasswordDocument,
  DeleteAccountDocument,
  EndSessionDocument,
  RequestEmailVerificationDocument,
  SignOutEverywhereDocument,
} from '#client/generated/graphql.ts';
import { client, useSession } from '../client.ts';
import { Confirmed } from '../parts/confirm.tsx';
import { Form, useFields } from '../parts/form.tsx';
import { Loaded, Page, Problem, reload } from '../parts/states.tsx';
import { dateTime } from '../words.ts';

type Account = NonNullable<AccountQuery['me']>;
type Values = Record<string, string>;

export function AccountPage() {
  const session = useSession();
  const query = useQuery({
    queryKey: ['account', session?.user.id],
    async queryFn({ signal }) {
      const { me } = await client.request(AccountDocument, {}, { signal });
      if (me !== null) return me;
      const error = { message: 'Nobody is signed in.', extensions: { code: 'UNAUTHENTICATED' } };
      throw new OperationError([error], { isMutation: false });
    },
  });
  return (
    <Page title="Your account">
      <Loaded query={query}>
        {(account) => (
          <div className="columns">
            <div>
              <Profile account={account} />
              <Sessions account={account} />
            </div>
            <div>
              <Password />
              <Data />
              <Deletion />
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="card padded">
    <h2>{title}</h2>
    {children}
  </section>
);

function Profile({ account: { name, email, emailVerified } }: { account: Account }) {
  const action = useMutation({ mutationFn: () => client.request(RequestEmailVerificationDocument) });
  return (
    <Section title={name}>
      <Group>
        <span>{email}</span>
        <Badge color={emailVerified ? 'evergreen' : 'gray'}>{emailVerified ? 'Verified' : 'Not verified'}</Badge>
      </Group>
      {action.error && <Problem of={action.error} />}
      {action.isSuccess && <p role="status">We sent you a mail with a link.</p>}
      {!emailVerified && !action.isSuccess && (
        <Button variant="default" size="sm" className="act" loading={action.isPending} onClick={() => action.mutate()}>
          Verify this address
        </Button>
      )}
    </Section>
  );
}

function Sessions({ account: { sessions } }: { account: Account }) {
  const end = useMutation({
    mutationFn: (id: string) => client.request(EndSessionDocument, { id }),
    onSettled: () => reload('account'),
  });
  const endAll = useMutation({
    async mutationFn() {
      await client.request(SignOutEverywhereDocument);
      await client.signOut();
    },
  });
  const problem = end.error ?? endAll.error;
  return (
    <Section title="Where you are signed in">
      {problem && <Problem of={problem} />}
      <ul className="rows">
        {sessions?.map(({ id, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <span>
              <b>{current ? 'This session' : `Since ${dateTime(createdAt)}`}</b>
              <small>Last used {dateTime(lastUsedAt)}</small>
            </span>
            {!current && (
              <Button
                variant="default"
                size="sm"
                loading={end.isPending && end.variables === id}
                onClick={() => end.mutate(id)}
              >
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Confirmed
        label="Sign out everywhere"
        title="Sign out everywhere?"
        isLoading={endAll.isPending}
        onConfirm={() => endAll.mutate()}
      >
        All your sessions end, also this one. Other devices may need up to 15 minutes to notice.
      </Confirmed>
    </Section>
  );
}

function Password() {
  const action = useMutation({
    mutationFn: async ({ currentPassword = '', newPassword = '' }: Values) =>
      (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword,
    onSuccess: () => reload('account'),
  });
  const fields = useFields(action.data);
  const isChanged = action.data?.__typename === 'ChangePasswordPayload';
  return (
    <Section title="Change your password">
      {isChanged ? (
        <p role="status">Your password is changed. Your other sessions have ended.</p>
      ) : (
        <Form action={action}>
          <PasswordInput {...fields('currentPassword', 'Current password')} autoComplete="current-password" />
          <PasswordInput
            {...fields('newPassword', 'New password')}
            description="12 characters or more"
            minLength={12}
            maxLength={128}
            autoComplete="new-password"
          />
          <Button type="submit" loading={action.isPending}>
            Change password
          </Button>
        </Form>
      )}
    </Section>
  );
}

function Data() {
  const action = useMutation({ mutationFn: async () => download(await exportAccount(client)) });
  return (
    <Section title="Your data">
      <p>Your account, bookings, notifications and events in one JSON file.</p>
      {action.error && <Problem of={action.error} />}
      <Button variant="default" className="act" loading={action.isPending} onClick={() => action.mutate()}>
        Download
      </Button>
    </Section>
  );
}

/** Lets the browser save a value as a JSON file. */
function download(value: object): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'box-office-data.json';
  link.click();
  URL.revokeObjectURL(url);
}

function Deletion() {
  const action = useMutation({
    async mutationFn({ password = '' }: Values) {
      const { deleteAccount } = await client.request(DeleteAccountDocument, { input: { password } });
      if (deleteAccount.__typename === 'DeleteAccountPayload') await client.signOut();
      return deleteAccount;
    },
  });
  const fields = useFields(action.data);
  return (
    <Section title="Delete your account">
      <p>
        Your name, e-mail address and notifications are deleted, and you wait for no seats any more. Your bookings stay
        valid, without your name.
      </p>
      <Form action={action}>
        <PasswordInput {...fields('password', 'Password')} autoComplete="current-password" />
        <Button type="submit" color="red" loading={action.isPending}>
          Delete account
        </Button>
      </Form>
    </Section>
  );
}
