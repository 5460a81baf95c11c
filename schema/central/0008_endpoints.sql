-- Where the model of an agent group answers; NULL: where its provider's usually does.

ALTER TABLE container_settings ADD COLUMN base_url TEXT;
