import { Button, Group, TextInput } from '@mantine/core';
import { type ReactNode, useId, useRef } from 'react';

/** Asks for the reason of a cancellation, which may stay empty. */
export const ReasonInput = ({ value, onChange }: { value: string; onChange: (value: string) => void }) => (
  <TextInput
    label="Reason"
    description="You may leave it empty."
    maxLength={500}
    value={value}
    onChange={(change) => onChange(change.currentTarget.value)}
  />
);

/** A button that asks before it acts. */
export function Confirmed({
  label,
  title,
  children,
  field,
  isLoading,
  onConfirm,
}: {
  label: string;
  title: string;
  children: ReactNode;
  /** Shown below the text. */
  field?: ReactNode;
  isLoading: boolean;
  onConfirm: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const close = () => dialog.current?.close();
  const confirm = () => {
    close();
    onConfirm();
  };
  return (
    <>
      <Button variant="default" size="sm" loading={isLoading} onClick={() => dialog.current?.showModal()}>
        {label}
      </Button>
      <dialog ref={dialog} aria-labelledby={heading} className="card dialog">
        <h2 id={heading}>{title}</h2>
        <p>{children}</p>
        {field}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button color="red" onClick={confirm}>
            {label}
          </Button>
        </Group>
      </dialog>
    </>
  );
}
