// Why a connection to a Template Distribution server ended, beside what ends any connection.
import { CodedError } from '@sluice/runtime/errors';

export const templateServerErrorCodes = {
  'template-server-refused': 'The server answered SetupConnection with an error.',
  'template-server-fault': 'The server sent a message that cannot be read, or one out of order.',
  'template-server-silent': 'The server did not answer in time.',
} as const;
export type TemplateServerErrorCode = keyof typeof templateServerErrorCodes;

export class TemplateServerError extends CodedError<TemplateServerErrorCode> {
  override readonly name = 'TemplateServerError';
}
