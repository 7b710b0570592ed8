-- Runs each item of the setting tenantry.again in a transaction of its own inside this one. What can't be made again, or
-- comes out with more changed than its expressions, stays as it was.
DO $make_again$
DECLARE
    item jsonb;
    statement text;
    before text;
    after text;
BEGIN
    FOR item IN SELECT jsonb_array_elements(current_setting('tenantry.again')::jsonb) LOOP
        BEGIN
            EXECUTE item ->> 'before' INTO before;
            FOR statement IN SELECT jsonb_array_elements_text(item -> 'statements') LOOP
                EXECUTE statement;
            END LOOP;
            EXECUTE item ->> 'after' INTO after;
            IF after IS DISTINCT FROM before THEN
                RAISE 'more than its expressions has changed';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE DEBUG '%: %', item ->> 'statements', sqlerrm;
        END;
    END LOOP;
END
$make_again$
