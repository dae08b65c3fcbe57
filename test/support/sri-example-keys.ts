// The example keys of SRI's own configurations, by which its programs are known to clients.
export const SRI_AUTHORITY_PUBLIC_KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
export const SRI_AUTHORITY_SECRET_KEY = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';
