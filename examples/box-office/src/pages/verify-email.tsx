import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { VerifyEmailDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { ButtonLink } from '../parts/links.tsx';
import { Empty, Page, Problem, reload } from '../parts/states.tsx';
import { tokenInAddress } from '../token.ts';
import { refusalIn } from '../words.ts';

/** Verifies the e-mail with the token of the link. A button, because programs that check mails also open links. */
export function VerifyEmailPage() {
  const token = tokenInAddress();
  const action = useMutation({
    mutationFn: async () => (await client.request(VerifyEmailDocument, { token })).verifyEmail,
    onSuccess: () => reload('account'),
  });
  const problem = action.error ?? refusalIn(action.data);
  const isVerified = action.data?.__typename === 'VerifyEmailPayload';
  return (
    <div className="narrow">
      <Page title="Verify your e-mail address">
        {token === '' ? (
          <Empty title="This link is not complete">
            <p>Open the link in the mail again.</p>
          </Empty>
        ) : (
          <div className="card padded">
            {problem && <Problem of={problem} />}
            {isVerified ? (
              <>
                <p role="status">Your e-mail address is verified.</p>
                <ButtonLink href="/" className="action">
                  See all events
                </ButtonLink>
              </>
            ) : (
              <Button size="md" fullWidth loading={action.isPending} onClick={() => action.mutate()}>
                Verify
              </Button>
            )}
          </div>
        )}
      </Page>
    </div>
  );
}
